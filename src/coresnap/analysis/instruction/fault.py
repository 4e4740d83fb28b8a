"""The fault: which code ran into it, with which registers, and at which instruction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.instruction.disassembler import (
    Decoded,
    Disassembler,
    open_disassembler,
)
from coresnap.analysis.instruction.explanation import (
    Complaint,
    allows,
    explaining,
    is_noncanonical,
)
from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.library import load_library
from coresnap.analysis.instruction.machine import Machine, Trap
from coresnap.analysis.signals import explain_signal, is_fault
from coresnap.analysis.unwind.stack import Stack
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.facts import SignalInfo
from coresnap.model import Access, Instruction, Note, Signal

__all__ = ["Fault", "demanded_alignment", "find_fault"]

_LONGEST = 16
"""Bytes of code that are read: x86 has 15 at most."""
_NO_CODE, _BAD = "(no code)", "(bad)"
_THUMB_STATE, _PAGE = 1 << 5, 4096
_BUS_OBJERR = "BUS_OBJERR"
_PRESENT, _MAPERR, _ACCERR = 1, 1, 2
_WITHOUT_SIGINFO = {0: (8, 1), 6: (4, 2), 13: (11, 128), 14: (11, _MAPERR)}
"""Exception of x86 to signal and si_code of Linux."""


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
    """What the processor said; empty unless a handler ran."""
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
    def kernel_address(self) -> int | None:
        """The address that the kernel named, if it is one of data or of a jump."""
        return _complaint(self.signal, self.machine, self.trap).address

    @property
    def address(self) -> int | None:
        """The address that failed: the kernel's, else the recomputed one."""
        named = self.kernel_address
        if named is not None or self.access is None:
            return named
        return self.access.address


def find_fault(
    core: CoreFile, signal: Signal | None, stacks: Sequence[Stack]
) -> Fault | None:
    """The fault that ended the process; None for a signal that was sent, for an abort
    outside a handler of a fault, and for a process that lives."""
    if signal is None or not core.threads:
        return None
    if is_fault(signal.name) and signal.sender_pid is None:
        machine = Machine(core.architecture, core.threads[0].registers)
        if machine.pc is None:
            return None
        return _with_instruction(core, Fault(signal, machine, siginfo=core.signal))
    if not stacks or core.system != "Linux":
        return None
    return next(_handled(core, stacks[0]), None)


def _handled(core: CoreFile, stack: Stack) -> Iterator[Fault]:
    """Faults that were being handled: the last one first."""
    from coresnap.analysis.instruction.interrupted import interrupted_frames

    for found in interrupted_frames(core, stack):
        machine = Machine(core.architecture, stack.frames[found.frame].registers)
        info, trap = found.signal, found.trap
        signal = None if info is None else _explained(core, info)
        if signal is not None and trap.fits(signal.name, signal.address):
            fault = Fault(signal, machine, found.frame, trap, info)
            fault = _with_instruction(core, fault)
            if _agrees(fault):
                yield fault
        elif trap.number in _WITHOUT_SIGINFO:
            signal = _explained(core, _siginfo_of(trap, machine))
            assert signal is not None
            fault = _with_instruction(core, Fault(signal, machine, found.frame, trap))
            if _proves_itself(fault):
                yield fault


def _explained(core: CoreFile, info: SignalInfo) -> Signal | None:
    """What a siginfo means; None if the signal was sent."""
    code = info.code or 0
    signal = explain_signal(core.system, info.number, code, info.address)
    return signal if code > 0 and is_fault(signal.name) else None


def _siginfo_of(trap: Trap, machine: Machine) -> SignalInfo:
    """What the kernel said, for a handler that did not ask for it (SA_SIGINFO)."""
    number, code = _WITHOUT_SIGINFO[trap.number or 0]
    if trap.kind is None:
        return SignalInfo(number, code, machine.pc)
    code = _ACCERR if (trap.error or 0) & _PRESENT else _MAPERR
    return SignalInfo(number, code, trap.address)


def _agrees(fault: Fault) -> bool:
    """Whether nothing of the instruction speaks against the siginfo, which may be an
    older one: without SA_SIGINFO the kernel leaves on the stack what was there."""
    if fault.decoded is None:
        return True
    if fault.signal.name in ("SIGSEGV", "SIGBUS"):
        return fault.access is not None or fault.kernel_address is None
    if fault.signal.code_name == "FPE_INTDIV":
        return family(fault.machine).divides(fault.decoded)
    return True


def _proves_itself(fault: Fault) -> bool:
    """Whether the instruction does what the exception is about, of which nobody says
    that it is the last one."""
    if fault.access is not None:
        return fault.kernel_address == fault.trap.address or fault.trap.kind is None
    if fault.signal.name == "SIGFPE":
        return _agrees(fault) and fault.decoded is not None
    text = fault.instruction.text if fault.instruction is not None else ""
    return fault.signal.name == "SIGILL" and text.startswith(("ud", _BAD))


def _with_instruction(core: CoreFile, fault: Fault) -> Fault:
    if _fetch_failed(core, fault):
        return msgspec.structs.replace(fault, instruction=_fetch(core, fault))
    library = load_library()
    if library.problem:
        return _without(fault, f"{library.problem}: install capstone 5")
    disassembler = open_disassembler(
        library, core.architecture, thumb=_is_thumb(fault.machine)
    )
    if disassembler is None:
        return _without(fault, f"code of {core.architecture.name} is not decoded")
    start = _start(core, fault, disassembler)
    code = core.memory.read_some(start, _LONGEST)
    if not code:
        return _without(
            fault, f"the code at {start:#x} is neither in the core nor here"
        )
    decoded = disassembler.decode(code, start)
    if decoded is None:
        bad = Instruction(start, _BAD, code)
        return msgspec.structs.replace(fault, instruction=bad)
    instruction = _instruction(core, fault, decoded)
    return msgspec.structs.replace(fault, instruction=instruction, decoded=decoded)


def _without(fault: Fault, reason: str) -> Fault:
    note = Note("instruction", reason)
    return msgspec.structs.replace(fault, note=note)


# --- where the instruction is ---------------------------------------------------


def _is_thumb(machine: Machine) -> bool:
    status = machine.value("spsr") if machine.architecture.name == "arm" else 0
    return bool((status or 0) & _THUMB_STATE)


def _start(core: CoreFile, fault: Fault, disassembler: Disassembler) -> int:
    """The instruction's address: breakpoints and system calls stop behind theirs."""
    pc = fault.machine.pc or 0
    if fault.signal.name not in ("SIGTRAP", "SIGSYS"):
        return pc
    wanted = ("int3", "int1", "int", "svc", "syscall", "sysenter", "ecall")
    for back in (1, 2, 4):
        code = core.memory.read_some(pc - back, back)
        found = disassembler.decode(code, pc - back) if len(code) == back else None
        if found is not None and found.end == pc and found.mnemonic in wanted:
            return found.address
    return pc


def _fetch_failed(core: CoreFile, fault: Fault) -> bool:
    """Whether there is no code at pc that could have failed otherwise."""
    if fault.signal.name not in ("SIGSEGV", "SIGBUS"):
        return False
    pc, machine = fault.machine.pc or 0, fault.machine
    if fault.trap.kind is not None:
        return fault.trap.kind == "execute"
    if is_noncanonical(pc, machine):
        return True
    address = fault.signal.address
    if machine.architecture.family == "aarch64" and address == pc and pc & 3:
        return True
    executable = allows(core.memory.find_mapping(pc), "execute")
    if address is None:
        return not executable and fault.signal.code_name != "SI_KERNEL"
    if address == pc:
        return not executable
    return _crosses_into(core, pc, address)


def _crosses_into(core: CoreFile, pc: int, address: int) -> bool:
    """The instruction begins in code and ends in a page that is none."""
    behind = 0 < address - pc < _LONGEST and address % _PAGE == 0
    if not behind or not core.architecture.is_x86:
        return False
    if allows(core.memory.find_mapping(address), "execute"):
        return False
    # An instruction that is whole before the page wanted data there.
    disassembler = open_disassembler(load_library(), core.architecture)
    code = core.memory.read_some(pc, address - pc)
    return disassembler is None or disassembler.decode(code, pc) is None


def _fetch(core: CoreFile, fault: Fault) -> Instruction:
    pc, architecture = fault.machine.pc or 0, core.architecture
    name = architecture.register_names.get(architecture.program_counter, "pc")
    address = fault.signal.address if fault.signal.address is not None else pc
    access = Access("execute", 1, f"[{name}]", (name,), address - pc, address)
    code = core.memory.read_some(pc, _LONGEST)
    return Instruction(pc, _NO_CODE, code, (access,), 0)


# --- what it accesses -----------------------------------------------------------


def demanded_alignment(fault: Fault, access: Access) -> int:
    """Bytes that the failed instruction wants ``access`` to be aligned to; 1: none."""
    if fault.decoded is None:
        return 1
    return family(fault.machine).alignment(fault.decoded, access)


def _instruction(core: CoreFile, fault: Fault, decoded: Decoded) -> Instruction:
    machine = fault.machine
    found = family(machine).accesses(decoded, machine)
    complaint = _complaint(fault.signal, machine, fault.trap)
    index = explaining(found, decoded, machine, complaint, core.memory)
    if index is None and complaint.address is None:
        target = _target(core, decoded, machine, found)
        if target is not None:
            found, index = (*found, target), len(found)
    return Instruction(decoded.address, decoded.text, decoded.data, found, index)


def _target(
    core: CoreFile, decoded: Decoded, machine: Machine, found: Sequence[Access]
) -> Access | None:
    """A jump, call or return to an address that cannot be: it fails as itself."""
    name = decoded.mnemonic.rpartition(" ")[2]
    if not machine.architecture.is_x86 or name not in ("ret", "call", "jmp"):
        return None
    first = decoded.operands[0] if decoded.operands else None
    if name != "ret" and first is not None and first.kind == "register":
        value = machine.value(first.register)
        text, registers = first.register, [first.register]
    else:
        slot = next((a for a in found if a.kind == "read"), None)
        if slot is None or slot.address is None:
            return None
        data = core.memory.read_some(slot.address, machine.architecture.pointer_size)
        value = int.from_bytes(data, "little")
        text, registers = f"*{slot.expression}", list(slot.registers)
    if value is None or not is_noncanonical(value, machine):
        return None
    return Access("execute", 1, text, tuple(registers), 0, value)


def _complaint(signal: Signal, machine: Machine, trap: Trap) -> Complaint:
    """FreeBSD's general protection fault names the pc, not the data."""
    address = signal.address
    is_x86 = machine.architecture.is_x86
    if signal.code_name == _BUS_OBJERR and is_x86 and address == machine.pc:
        address = address if is_noncanonical(address or 0, machine) else None
    return Complaint(signal, address, trap.kind)
