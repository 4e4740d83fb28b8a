"""The instruction of a fault: where it is, what it is, and which access failed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.analysis.instruction.disassembler import (
    Decoded,
    Disassembler,
    open_disassembler,
)
from coresnap.analysis.instruction.explanation import (
    allows,
    explaining,
    is_noncanonical,
)
from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.fault import Fault
from coresnap.analysis.instruction.library import load_library
from coresnap.analysis.instruction.machine import Machine
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import Access, Instruction, Note

__all__ = ["BAD", "with_instruction"]

BAD = "(bad)"
"""Text of an instruction that there is not."""
_NO_CODE = "(no code)"
_LONGEST = 16
"""Bytes of code that are read: x86 has 15 at most."""
_THUMB_STATE, _PAGE = 1 << 5, 4096


def with_instruction(core: CoreFile, fault: Fault) -> Fault:
    """The fault with its instruction, or with a note why there is none."""
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
        bad = Instruction(start, BAD, code)
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


def _instruction(core: CoreFile, fault: Fault, decoded: Decoded) -> Instruction:
    machine = fault.machine
    found = family(machine).accesses(decoded, machine)
    complaint = fault.complaint
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
