"""What the pointer of the failed access is: null, no address, or something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.classify.rules.accesses import (
    access_evidence,
    memory_fault,
    pointer_fault,
)
from coresnap.analysis.classify.words import accessed
from coresnap.model import Classifier

if TYPE_CHECKING:
    from coresnap.analysis.instruction.fault import Fault
    from coresnap.model import Access

__all__ = ["RULES"]

# No Linux or FreeBSD maps the first page by default, and Linux none below 64 KiB
# (vm.mmap_min_addr), so an access below is an offset from a null pointer.
_FIRST_PAGE, _FIRST_MAPPED = 4096, 0x1_0000
_LARGEST_MEMBER = 1 << 20
"""Offsets of members that instructions have in them are smaller."""
_LARGEST_INDEX = 1 << 31
_NULLS = {"read": "null.read", "write": "null.write", "execute": "null.exec"}
_NOT_BASES = ("rip", "eip", "pc", "rsp", "esp", "sp", "fs.base", "gs.base")


class NullPointer(Rule):
    """A base register of the failed access is zero, whatever the offset, or had been
    loaded as zero before a constant was added; probable, if all that is known is that
    the address lies in the first 64 KiB, where nothing is mapped. A small number that
    was loaded as it is, is none."""

    names = ("null", "null.read", "null.write", "null.exec")
    confidence = (STRONG, PROBABLE)
    replaces = ("memory.unmapped", "invalid-pointer", "wild-jump", "bit-flip")

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for unmapped addresses only."""
        fault = case.fault
        if fault is None or not _may_be_unmapped(fault):
            return
        address, access = fault.address, case.access
        found = None if address is None else _null(case, fault, address)
        if address is None or found is None:
            return
        sure, why = found
        summary = _null_summary(case, address)
        kind = fault.trap.kind if access is None else access.kind
        names = ["null"] if kind is None else ["null", _NULLS[kind]]
        for name in names:
            evidence = (why, *access_evidence(case))
            frame = case.failed_frame
            yield Classifier(
                name, sure, evidence, case.tid, address, frame, summary=summary
            )


def _null(case: Case, fault: Fault, address: int) -> tuple[str, str] | None:
    """How sure it is that the pointer was null, and why; None if it was not."""
    access = fault.access
    low = f"fault address {address:#x} is in the first 64 KiB"
    if access is None or access.kind == "execute":
        # A small number that is taken for a pointer fails at the same addresses.
        if address == 0:
            return STRONG, "fault address 0x0"
        return (PROBABLE, low) if address < _FIRST_MAPPED else None
    if not access.registers:
        in_first_page = address < _FIRST_PAGE
        return (STRONG, f"fault address {address:#x}") if in_first_page else None
    base, value = access.registers[0], fault.machine.value(access.registers[0])
    if not _is_base(access):
        return (PROBABLE, low) if address < _FIRST_MAPPED else None
    if value == 0:
        sure = _zero_confidence(fault, access, address)
        return None if sure is None else (sure, f"base register {base} is 0")
    if address >= _FIRST_MAPPED:
        return None
    before = _loaded(case, fault, base)
    if before == 0:
        return STRONG, f"{base} was loaded as 0, and {value:#x} was added"
    return (PROBABLE, low) if before is None else None


def _is_base(access: Access) -> bool:
    """Whether the first register can be a pointer to data."""
    in_segment = any(name in _NOT_BASES[-2:] for name in access.registers)
    is_other = access.registers[0] in _NOT_BASES
    return not (_has_no_base(access) or is_other or in_segment)


def _zero_confidence(fault: Fault, access: Access, address: int) -> str | None:
    if len(access.registers) == 1:
        return STRONG if abs(access.displacement) < _LARGEST_MEMBER else PROBABLE
    # The zero may be the index, and the other register the pointer.
    index = fault.machine.value(access.registers[1])
    if index is None or index >= _LARGEST_INDEX:
        return None
    return STRONG if address < _FIRST_MAPPED else PROBABLE


def _loaded(case: Case, fault: Fault, register: str) -> int | None:
    """What a register was loaded with before constants were added to it; None if the
    code before does not tell."""
    found = next(iter(case.base_sources), None)
    now = fault.machine.value(register)
    if found is None or now is None:
        return None
    return (now - found.offset) & fault.machine.mask


def _may_be_unmapped(fault: Fault) -> bool:
    """A core without a siginfo has the signal alone: the operand has to tell."""
    told, code = fault.signal.name == "SIGSEGV", fault.signal.code
    return fault.signal.code_name == "SEGV_MAPERR" or (told and code is None)


def _has_no_base(access: Access) -> bool:
    """Whether the first register is an index: ``[rax*4 + 0x404000]``."""
    return access.expression.partition(" ")[0].rstrip("]")[-2:-1] == "*"


def _null_summary(case: Case, address: int) -> str:
    access = case.access
    if access is None:
        return "used a null pointer"
    if access.kind == "execute":
        called = f"jumped to {address:#x}, close to null"
        return called if address else "called a null function pointer"
    offset = f" at offset {address:#x}" if 0 < address < _LARGEST_MEMBER else ""
    return f"{accessed(case)} through a null pointer{offset}"


class NoncanonicalAddress(Rule):
    """The kernel named no address, and the recomputed one cannot be one: bits 47 to 63
    of an address of x86-64 are equal."""

    names = ("noncanonical",)
    confidence = (STRONG, PROBABLE)
    replaces = ("memory.unmapped",)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for general protection faults and jumps; where the code is not
        known, if a single register cannot be an address."""
        from coresnap.analysis.classify.places import printable
        from coresnap.analysis.instruction.explanation import is_noncanonical

        fault, access = memory_fault(case), case.access
        if fault is not None and access is None:
            yield from _only_noncanonical_register(case, fault)
        if fault is None or access is None or access.address is None:
            return
        if fault.kernel_address not in (None, access.address):
            return
        address = access.address
        if not is_noncanonical(address, fault.machine):
            return
        evidence = [*access_evidence(case), f"{address:#x} is not canonical"]
        text, what = printable(address, 8), f"{address:#x}"
        if text is not None:
            evidence.append(f"its bytes are the text {text!r}")
            what = f"the text {text!r}"
        yield Classifier(
            "noncanonical",
            STRONG,
            tuple(evidence),
            case.tid,
            address,
            case.failed_frame,
            summary=f"took {what} for an address, which it cannot be",
        )


def _only_noncanonical_register(case: Case, fault: Fault) -> Iterator[Classifier]:
    """A general protection fault of code that nobody can read."""
    from coresnap.analysis.instruction.explanation import is_noncanonical

    if fault.signal.code_name != "SI_KERNEL" or fault.address is not None:
        return
    odd = {
        value: name
        for name, value in case.registers.items()
        if is_noncanonical(value, fault.machine)
    }
    for value, name in odd.items() if len(odd) == 1 else ():
        yield Classifier(
            "noncanonical",
            PROBABLE,
            (f"{name} = {value:#x} is not canonical, as no other register",),
            case.tid,
            value,
            case.failed_frame,
            summary=f"took {value:#x} for an address, which it cannot be",
        )


class InvalidPointer(Rule):
    """The pointer of the failed access leads nowhere: what its value looks like."""

    names = ("invalid-pointer",)
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where no better explanation replaces it."""
        from coresnap.analysis.classify.places import look_alike

        fault, access = pointer_fault(case), case.access
        if fault is None or access is None:
            return
        named = _pointer(fault, access)
        memory = case.core.memory
        if named is None or memory.find_mapping(named[1]) is not None:
            return
        name, value = named
        resembles = look_alike(value, memory)
        words = f", which looks like {resembles}" if resembles is not None else ""
        yield Classifier(
            "invalid-pointer",
            HINT,
            (f"{name} = {value:#x} is in no mapping{words}",),
            case.tid,
            value,
            case.failed_frame,
            summary=f"used {value:#x} as a pointer{words}",
        )


def _pointer(fault: Fault, access: Access) -> tuple[str, int] | None:
    """Name and value of what was used as the pointer."""
    if access.kind == "execute":
        return ("pc", access.address) if access.address is not None else None
    for name in () if _has_no_base(access) else access.registers:
        if name in _NOT_BASES:
            return None
        value = fault.machine.value(name)
        if value:
            return name, value
    return None


RULES: tuple[Rule, ...] = (NullPointer(), NoncanonicalAddress(), InvalidPointer())
