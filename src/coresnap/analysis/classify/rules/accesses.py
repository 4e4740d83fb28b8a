"""What the failed access says: which kind it was, and why the address is bad."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, STRONG, Rule
from coresnap.analysis.classify.words import accessed_at
from coresnap.model import Classifier

if TYPE_CHECKING:
    from coresnap.analysis.instruction.fault import Fault
    from coresnap.model import Access

__all__ = ["RULES", "access_evidence", "memory_fault", "pointer_fault"]

_FIRST_MAPPED = 0x1_0000
"""What is said of pointers below says more."""
_NAMES = {"read": "memory.read", "write": "memory.write", "execute": "memory.exec"}


def access_evidence(case: Case) -> tuple[str, ...]:
    """Return the instruction, the values it used and what the kernel said."""
    fault, found, access = case.fault, case.instruction, case.access
    if fault is None:
        return ()
    lines = []
    if found is not None:
        is_fetch = access is not None and fault.decoded is None
        what = "fetching code" if is_fetch else found.text
        lines.append(f"{what} at {found.address:#x}")
    for name in () if access is None else access.registers:
        number = fault.machine.architecture.numbers.get(name, -1)
        value = fault.machine.registers.get(number, fault.machine.value(name))
        if value is not None:
            lines.append(f"{name} = {value:#x}")
    said = fault.signal.code_name or fault.signal.name
    if fault.kernel_address is not None:
        lines.append(f"{said} at {fault.kernel_address:#x}")
    return tuple(lines) or (said,)


def memory_fault(case: Case) -> Fault | None:
    """The fault, if it is one of memory."""
    fault = case.fault
    if fault is None or fault.signal.name not in ("SIGSEGV", "SIGBUS"):
        return None
    return fault


def pointer_fault(case: Case) -> Fault | None:
    """The fault, if it is one of an address that leads nowhere.

    A general protection fault, of which the kernel names no address, is SIGBUS on
    FreeBSD, and on Linux where the address was made of the stack pointer.
    """
    fault = memory_fault(case)
    if fault is None or fault.signal.name == "SIGSEGV":
        return fault
    return fault if fault.kernel_address is None else None


class MemoryAccess(Rule):
    """Which access of the instruction failed, by its operands; what reads and writes is
    a write. Certain where the processor's own word for it lies in a signal frame. Where
    the code is not there, what failed in memory that may be read was a write."""

    names = ("memory.read", "memory.write", "memory.exec")
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude the kind of the access that explains the fault."""
        fault, access = memory_fault(case), case.access
        if fault is None:
            return
        if access is None and fault.trap.kind is not None:
            yield _by_trap(case, fault, fault.trap.kind)
            return
        if access is None:
            yield from _by_permissions(case, fault)
            return
        sure = CERTAIN if fault.trap.kind == access.kind else STRONG
        address = fault.address
        place = "somewhere" if address is None else f"{address:#x}"
        yield Classifier(
            _NAMES[access.kind],
            sure,
            (*access_evidence(case), *map(str, case.base_sources)),
            case.tid,
            address,
            case.failed_frame,
            summary=_told(case, access, place),
        )


def _by_trap(case: Case, fault: Fault, kind: str) -> Classifier:
    """What the processor said where nobody knows the instruction."""
    return Classifier(
        _NAMES[kind],
        CERTAIN,
        (*access_evidence(case), f"the signal's frame says that it was a {kind}"),
        case.tid,
        fault.address,
        case.failed_frame,
    )


def _by_permissions(case: Case, fault: Fault) -> Iterator[Classifier]:
    """What failed where nobody knows the instruction."""
    address = fault.kernel_address
    if fault.instruction is not None or address is None or address == fault.machine.pc:
        return
    mapping = case.core.memory.find_mapping(address)
    if fault.signal.code_name != "SEGV_ACCERR" or mapping is None:
        return
    if mapping.permissions[:2] != "r-":
        return
    yield Classifier(
        "memory.write",
        STRONG,
        (f"SEGV_ACCERR at {address:#x}", f"memory there is {mapping.permissions}"),
        case.tid,
        address,
        case.failed_frame,
        summary=f"wrote to {address:#x}",
    )


def _told(case: Case, access: Access, place: str) -> str:
    """Nothing where another rule says more: of null pointers, of jumps."""
    address = case.fault_address
    if access.kind == "execute" or (address is not None and address < _FIRST_MAPPED):
        return ""
    return f"{accessed_at(case)} {place}"


class UnmappedMemory(Rule):
    """The kernel found no mapping at the address: how far the nearest one is."""

    names = ("memory.unmapped",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from SEGV_MAPERR, unless the core has memory there."""
        from coresnap.analysis.classify.places import nearest_words

        fault = case.fault
        if fault is None or fault.signal.code_name != "SEGV_MAPERR":
            return
        address = fault.signal.address
        if address is None or case.core.memory.find_mapping(address) is not None:
            return
        evidence = (
            f"SEGV_MAPERR at {address:#x}",
            nearest_words(address, case.core.memory.mappings),
        )
        yield Classifier(
            "memory.unmapped",
            CERTAIN,
            evidence,
            case.tid,
            address,
            case.failed_frame,
            summary=f"used the address {address:#x}, where nothing is mapped",
        )


class ProtectedMemory(Rule):
    """The mapping at the address does not allow the access: which one it is, and what
    it allows."""

    names = ("memory.protection",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from SEGV_ACCERR."""
        from coresnap.analysis.classify.places import mapping_words

        fault = case.fault
        if fault is None or fault.signal.code_name != "SEGV_ACCERR":
            return
        address = fault.signal.address
        mapping = None if address is None else case.core.memory.find_mapping(address)
        if address is None:
            return
        place = f"memory at {address:#x}"
        if mapping is not None:
            place = mapping_words(mapping)
        kind = "use" if case.access is None else case.access.kind
        yield Classifier(
            "memory.protection",
            CERTAIN,
            (f"SEGV_ACCERR at {address:#x}", place),
            case.tid,
            address,
            case.failed_frame,
            summary=f"was not allowed to {kind} {place}",
        )


class Misalignment(Rule):
    """The instruction wants its operand aligned, and the operand is not. Certain where
    the kernel says so (BUS_ADRALN)."""

    names = ("alignment",)
    confidence = (CERTAIN, STRONG)
    replaces = ("invalid-pointer", "memory.unmapped")

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where the address is nothing else but not aligned."""
        fault, access = memory_fault(case), case.access
        if fault is None or access is None or access.address is None:
            return
        said = fault.signal.code_name == "BUS_ADRALN"
        demanded = _demanded(fault, access, said=said)
        if demanded <= 1 or access.address % demanded == 0:
            return
        if not said and (fault.kernel_address is not None or _is_bad(fault, access)):
            return
        address = access.address
        evidence = (
            *access_evidence(case),
            f"{address:#x} is {address % demanded} more than a multiple of {demanded}",
        )
        yield Classifier(
            "alignment",
            CERTAIN if said else STRONG,
            evidence,
            case.tid,
            address,
            case.failed_frame,
            summary=f"used an address that is not aligned to {demanded} bytes,"
            " as the instruction wants it",
        )


def _demanded(fault: Fault, access: Access, *, said: bool) -> int:
    from coresnap.analysis.instruction.fault import demanded_alignment

    if said:
        return access.width
    return demanded_alignment(fault, access)


def _is_bad(fault: Fault, access: Access) -> bool:
    from coresnap.analysis.instruction.explanation import is_noncanonical

    return is_noncanonical(access.address or 0, fault.machine)


RULES: tuple[Rule, ...] = (
    MemoryAccess(),
    UnmappedMemory(),
    ProtectedMemory(),
    Misalignment(),
)
