"""Which access of an instruction explains what the kernel said."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.analysis.instruction.disassembler import Decoded
from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.machine import Machine
from coresnap.elfcore.memory import Memory
from coresnap.model import Access, Mapping, Signal

__all__ = ["Complaint", "allows", "explaining", "is_noncanonical"]

_PAGE = 4096
_UNSIZED = 4096
"""How far an access of unknown width may reach: xsave areas, SVE vectors."""
_TAGGED_BITS = 56
"""Below the tag that AArch64 ignores in an address."""
_PERMISSION = {"read": "r", "write": "w", "execute": "x"}


class Complaint(msgspec.Struct, frozen=True):
    """What the kernel said of the access that failed."""

    signal: Signal
    address: int | None
    """None where it named none: general protection, or no siginfo at all."""
    kind: str | None = None
    """What the processor said it was; None if it did not."""


def is_noncanonical(address: int, machine: Machine) -> bool:
    """Whether no page table of x86-64 can map it, with four levels."""
    is_64_bit = machine.architecture.name in ("x86-64", "x32")
    return is_64_bit and 1 << 47 <= address < (1 << 64) - (1 << 47)


def allows(mapping: Mapping | None, kind: str) -> bool:
    """Whether a mapping's permissions let the access through; unknown ones do."""
    if mapping is None:
        return False
    return "?" in mapping.permissions or _PERMISSION[kind] in mapping.permissions


def explaining(
    accesses: Sequence[Access],
    decoded: Decoded,
    machine: Machine,
    complaint: Complaint,
    memory: Memory,
) -> int | None:
    """Index of the access that failed; None if none of them explains it."""
    if complaint.signal.name not in ("SIGSEGV", "SIGBUS"):
        return None
    order = sorted(
        range(len(accesses)),
        key=lambda index: _doubt(accesses[index], complaint, memory),
    )
    if complaint.address is None or complaint.signal.code_name == "BUS_ADRALN":
        return _by_form(accesses, order, machine, complaint, memory, decoded)
    for index in order:
        if _covers(accesses[index], complaint.address, decoded, machine):
            return index
    # A register that nobody knows may have held anything.
    unknown = (index for index in order if accesses[index].address is None)
    return next(unknown, None)


def _doubt(access: Access, complaint: Complaint, memory: Memory) -> tuple[bool, bool]:
    """Sorts those first that the processor or the permissions speak against."""
    other_kind = complaint.kind is not None and access.kind != complaint.kind
    address = complaint.address
    if address is None:
        return other_kind, False
    return other_kind, allows(memory.find_mapping(address), access.kind)


def _covers(access: Access, address: int, decoded: Decoded, machine: Machine) -> bool:
    if access.address is None:
        return False
    mask = machine.mask
    if machine.architecture.family == "aarch64":
        mask = (1 << _TAGGED_BITS) - 1
    width = access.width or _UNSIZED
    if machine.architecture.family == "s390x":
        # The kernel knows the page alone.
        return address // _PAGE in (access.address // _PAGE, _last(access) // _PAGE)
    distance = (address - access.address) & mask
    if distance < width:
        return True
    if not family(machine).repeats(decoded):
        return False
    # A repeated instruction may have gone further than its registers say.
    count = machine.value("rcx" if machine.mask > 1 << 32 else "ecx") or 0
    backwards = (access.address - address) & mask
    return min(distance, backwards) < access.width * count


def _last(access: Access) -> int:
    return (access.address or 0) + max(access.width, 1) - 1


def _by_form(
    accesses: Sequence[Access],
    order: Sequence[int],
    machine: Machine,
    complaint: Complaint,
    memory: Memory,
    decoded: Decoded,
) -> int | None:
    """Without an address: by what is wrong with the recomputed ones."""
    for index in order:
        address, width = accesses[index].address, accesses[index].width
        last = None if address is None else address + max(width, 1) - 1
        if address is None or last is None:
            continue
        if is_noncanonical(address, machine) or is_noncanonical(last, machine):
            return index
    for index in order:
        access = accesses[index]
        demanded = access.width
        if complaint.signal.code_name != "BUS_ADRALN":
            demanded = family(machine).alignment(decoded, access)
        if access.address is not None and demanded and access.address % demanded:
            return index
    # No siginfo; or a page fault whose signal could not be delivered, because the stack
    # that its handler was to run on is full: force_sigsegv says SI_KERNEL.
    if complaint.signal.code is not None and complaint.signal.code_name != "SI_KERNEL":
        return None
    for index in order:
        address = accesses[index].address
        if address is None:
            continue
        if not allows(memory.find_mapping(address), accesses[index].kind):
            return index
    return None
