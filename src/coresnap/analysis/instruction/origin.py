"""How control came to an address that is no code: by which call, jump or return.

Nothing was executed at the target, so registers and stack are still those of whoever
went there.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.instruction.disassembler import (
    Decoded,
    Disassembler,
    open_disassembler,
)
from coresnap.analysis.instruction.explanation import allows
from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.fault import Fault
from coresnap.analysis.instruction.library import load_library
from coresnap.analysis.instruction.machine import Machine
from coresnap.elfcore.corefile import CoreFile

__all__ = ["Origin", "find_origin"]

_CALL_LENGTHS = (2, 3, 4, 5, 6, 7, 8)
_DONE = {"call": "called", "jump": "jumped to", "return": "returned to"}


class Origin(msgspec.Struct, frozen=True):
    """What led to a target."""

    kind: str
    """``call``, ``jump`` or ``return``."""
    address: int | None = None
    """Of the instruction; None where only its traces are there."""
    text: str = ""
    slot: int | None = None
    """Where in memory the target was read from; None for a register."""
    is_sure: bool = True
    """Nothing else would leave the same traces."""

    @property
    def done(self) -> str:
        """As a verb: ``called``."""
        return _DONE[self.kind]

    def __str__(self) -> str:
        place = "" if self.slot is None else f", from {self.slot:#x}"
        if self.address is None:
            return f"{self.done} it{place}"
        return f"{self.done} it by {self.text} at {self.address:#x}{place}"


def find_origin(core: CoreFile, fault: Fault, target: int) -> Origin | None:
    """How the failed code came to ``target``; None if nothing tells."""
    machine = fault.machine
    if fault.decoded is not None:
        return _of_instruction(fault, fault.decoded)
    if machine.architecture.return_address_on_stack:
        return _by_stack(core, machine, target)
    return _by_link_register(core, machine, target)


def _of_instruction(fault: Fault, decoded: Decoded) -> Origin | None:
    """The jump itself failed: its target cannot be an address."""
    kinds = {"ret": "return", "call": "call", "jmp": "jump"}
    kind = kinds.get(decoded.mnemonic.rpartition(" ")[2])
    if kind is None or fault.instruction is None:
        return None
    reads = (a for a in fault.instruction.accesses if a.kind == "read")
    slot = next((access.address for access in reads), None)
    return Origin(kind, decoded.address, decoded.text, slot)


def _by_stack(core: CoreFile, machine: Machine, target: int) -> Origin | None:
    sp, size = machine.sp, core.architecture.stack_slot
    if sp is None:
        return None
    order = core.architecture.byte_order
    above = core.memory.read_some(sp, size)
    calls: list[Decoded] = []
    may_return = False
    if len(above) == size:
        back = int.from_bytes(above, order)
        calls = _calls_before(core, back)
        may_return = bool(calls) or _is_unseen_code(core, back)
    # With the registers as they are, the call leads where control went.
    for decoded in calls:
        slot, value = _callee(core, machine, decoded)
        if value == target:
            return Origin("call", decoded.address, decoded.text, slot)
    below = core.memory.read_some(sp - size, size)
    # A return left its address just below the stack pointer. Behind a return address
    # it may as well be the variable that a tail call jumped by.
    if len(below) == size and int.from_bytes(below, order) == target:
        return Origin("return", slot=sp - size, is_sure=not may_return)
    return None


def _calls_before(core: CoreFile, back: int) -> list[Decoded]:
    """Calls that return to ``back``; more than one only where bytes can be both."""
    disassembler = open_disassembler(load_library(), core.architecture)
    if disassembler is None or not allows(core.memory.find_mapping(back), "execute"):
        return []
    return list(_calls_ending_at(core, disassembler, back))


def _is_unseen_code(core: CoreFile, back: int) -> bool:
    """Whether there is code before ``back`` that neither core nor files have."""
    mapping = core.memory.find_mapping(back)
    return allows(mapping, "execute") and len(core.memory.read_some(back - 8, 8)) < 8


def _calls_ending_at(
    core: CoreFile, disassembler: Disassembler, back: int
) -> Iterator[Decoded]:
    for length in _CALL_LENGTHS:
        code = core.memory.read_some(back - length, length)
        found = disassembler.decode(code, back - length) if code else None
        name = "" if found is None else found.mnemonic.rpartition(" ")[2]
        if found is not None and found.end == back and name == "call":
            yield found


def _callee(
    core: CoreFile, machine: Machine, decoded: Decoded
) -> tuple[int | None, int | None]:
    """(slot, value) of what a call leads to."""
    operand = decoded.operands[0] if decoded.operands else None
    if operand is None:
        return None, None
    if operand.kind == "register":
        return None, machine.value(operand.register)
    if operand.kind == "immediate":
        return None, operand.value & machine.mask
    # The call has pushed: what it read by the stack pointer was one slot higher.
    read = next(
        (a for a in family(machine).accesses(decoded, machine) if a.kind == "read"),
        None,
    )
    if read is None or read.address is None:
        return None, None
    slot = read.address
    if operand.base in ("rsp", "esp"):
        slot = (slot + core.architecture.stack_slot) & machine.mask
    data = core.memory.read_some(slot, core.architecture.pointer_size)
    if len(data) < core.architecture.pointer_size:
        return slot, None
    return slot, int.from_bytes(data, core.architecture.byte_order)


def _by_link_register(core: CoreFile, machine: Machine, target: int) -> Origin | None:
    """A call leaves the address behind it in the link register, a return the target."""
    architecture = core.architecture
    link = machine.registers.get(architecture.return_address)
    if link is None:
        return None
    mask = architecture.code_mask
    if link & mask == target & mask:
        return Origin("return")
    if architecture.family != "aarch64":
        return None
    disassembler = open_disassembler(load_library(), architecture)
    code = core.memory.read_some((link & mask) - 4, 4)
    if disassembler is None or len(code) < 4:
        return None
    decoded = disassembler.decode(code, (link & mask) - 4)
    if decoded is None or not decoded.mnemonic.startswith("blr"):
        return None
    value = machine.value(decoded.operands[0].register) if decoded.operands else None
    if value is None or value & mask != target & mask:
        return None
    return Origin("call", decoded.address, decoded.text)
