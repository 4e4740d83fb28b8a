"""The fault: which code ran into it, with which registers, and at which instruction."""

from __future__ import annotations

import msgspec

from coresnap.analysis.instruction.disassembler import Decoded
from coresnap.analysis.instruction.explanation import Complaint, is_noncanonical
from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.machine import PAGE_FAULT, Machine, Trap
from coresnap.elfcore.facts import SignalInfo
from coresnap.model import Access, Instruction, Note, Signal

__all__ = ["Fault", "demanded_alignment"]

_BUS_OBJERR = "BUS_OBJERR"


class Fault(msgspec.Struct, frozen=True, eq=False):
    """A signal that an instruction raised; never one that was sent."""

    signal: Signal
    """What the kernel said; of the fault that was handled, if the process gave up in
    its handler."""
    machine: Machine
    """Registers of the code that failed."""
    frame: int = 0
    """Index of that code in the unwound frames; 0 unless a handler ran."""
    trap: Trap = Trap()
    """What the processor said; on Linux empty unless a handler ran."""
    siginfo: SignalInfo | None = None
    instruction: Instruction | None = None
    decoded: Decoded | None = None
    """None for a fetch that failed, and where capstone is not there."""
    note: Note | None = None
    """Why there is no instruction."""

    @property
    def access(self) -> Access | None:
        """The access that failed."""
        found = self.instruction
        if found is None or found.fault is None:
            return None
        return found.accesses[found.fault]

    @property
    def complaint(self) -> Complaint:
        """What was said of the access that failed."""
        address, machine = self.signal.address, self.machine
        is_x86 = machine.architecture.is_x86
        # FreeBSD names the pc, not the data, for all but page faults.
        other = self.trap.number not in (None, PAGE_FAULT)
        unsaid = self.trap.number is None and self.signal.code_name == _BUS_OBJERR
        is_bus = self.signal.name == "SIGBUS" and is_x86
        if is_bus and address == machine.pc and (other or unsaid):
            address = address if is_noncanonical(address or 0, machine) else None
        return Complaint(self.signal, address, self.trap.kind)

    @property
    def kernel_address(self) -> int | None:
        """The address that the kernel named, if it is one of data or of a jump."""
        return self.complaint.address

    @property
    def address(self) -> int | None:
        """The address that failed: the kernel's, else the recomputed one."""
        named = self.kernel_address
        if named is not None or self.access is None:
            return named
        return self.access.address


def demanded_alignment(fault: Fault, access: Access) -> int:
    """Bytes that the failed instruction wants ``access`` to be aligned to; 1: none."""
    if fault.decoded is None:
        return 1
    return family(fault.machine).alignment(fault.decoded, access)
