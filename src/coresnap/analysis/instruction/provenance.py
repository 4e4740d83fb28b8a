"""Where a register's value came from: back through the function to memory.

The code before the failed instruction is read as far as it runs straight: at most 32
instructions, over no call and no target of a jump that can be seen. What is found is
the last load that gave the register its value, through copies and additions of
constants.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.analysis.instruction.disassembler import (
    Decoded,
    Operand,
    open_disassembler,
)
from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.library import load_library
from coresnap.analysis.instruction.machine import Machine
from coresnap.elfcore.memory import Memory

__all__ = ["Source", "sources"]

_LONGEST_WAY = 32
"""Instructions back."""
_LONGEST_FUNCTION = 1 << 16
_STEPS = 8
"""Loads that are followed: ``a->b->c`` has two."""
_COPIES = ("mov", "movabs", "movzx", "movsx", "movsxd", "cdqe")
_SUMS = ("add", "sub", "lea")
_COMPARISONS = ("cmp", "test", "nop", "cmn", "tst", "prfm", "bt", "push", "endbr64")


class Source(msgspec.Struct, frozen=True):
    """One step back: the memory that a register was loaded from."""

    register: str
    """What was loaded; of a step further back the base of the load before."""
    slot: int | None
    """Where the value was read from; None if that is not known any more."""
    width: int
    """Bytes that were read."""
    text: str
    """The load: ``mov rax, qword ptr [rbp - 8]``."""
    address: int
    """Of the load."""
    offset: int = 0
    """What was added to the value afterwards."""
    displacement: int = 0
    """Of the slot from the base of the load."""

    def __str__(self) -> str:
        place = f" from {self.slot:#x}" if self.slot is not None else ""
        return f"{self.register} was loaded{place} by {self.text} at {self.address:#x}"


def sources(
    memory: Memory, machine: Machine, function: int, pc: int, register: str
) -> tuple[Source, ...]:
    """How ``register`` got its value at ``pc``, in the function that starts at
    ``function``: the load itself first, then that of its base, and so on.

    Empty if the value was made otherwise, or the code cannot be followed.
    """
    before = _straight_code(memory, machine, function, pc)
    found: list[Source] = []
    wanted, offset = machine.whole(register), 0
    # Registers that were written behind the instruction that is looked at.
    changed: set[str] = set()
    while before and len(found) < _STEPS:
        one = before.pop()
        written = _written(one, machine)
        if written is None:
            break
        changed |= written
        if wanted not in written:
            continue
        step = _step(one, machine, wanted)
        if step is None:
            break
        base, added, is_load = step
        if is_load:
            found.append(_source(one, machine, wanted, changed, offset))
            added = -offset
        wanted, offset = base, offset + added
        if not base:
            break
    return _resolved(found, memory)


def _resolved(found: Sequence[Source], memory: Memory) -> tuple[Source, ...]:
    """Fill in slots whose base register was written over: its own slot has it still."""
    known: list[Source] = []
    deeper: Source | None = None
    for one in reversed(found):
        if one.slot is None and deeper is not None and deeper.slot is not None:
            data = memory.read_some(deeper.slot, memory.pointer_size)
            if len(data) == memory.pointer_size == deeper.width:
                base = int.from_bytes(data, memory.byte_order) + deeper.offset
                slot = (base + one.displacement) & (1 << 8 * len(data)) - 1
                one = msgspec.structs.replace(one, slot=slot)
        known.append(one)
        deeper = one
    return tuple(reversed(known))


def _straight_code(
    memory: Memory, machine: Machine, function: int, pc: int
) -> list[Decoded]:
    """Instructions that run into ``pc`` one after the other, the last one last."""
    disassembler = open_disassembler(load_library(), machine.architecture)
    if disassembler is None or not 0 < pc - function <= _LONGEST_FUNCTION:
        return []
    code = memory.read_some(function, pc - function)
    if len(code) < pc - function:
        return []
    found, targets = disassembler.last(code, function, _LONGEST_WAY)
    way: list[Decoded] = []
    for one in reversed(found):
        if pc in targets or _ends_way(one):
            break
        way.append(one)
        if one.address in targets:
            break
    return way[::-1]


def _ends_way(one: Decoded) -> bool:
    """Calls, and what never goes on to the next instruction."""
    name = one.mnemonic.rpartition(" ")[2]
    ends = ("call", "lcall", "bl", "blr", "ret", "jmp", "b", "br", "svc", "syscall")
    return name in ends or name.startswith(("ud", "hlt", "int", "brk"))


def _written(one: Decoded, machine: Machine) -> set[str] | None:
    """Whole registers that an instruction changes; None if that is not known."""
    name = one.mnemonic.rpartition(" ")[2]
    if name.startswith(_COMPARISONS) or name.startswith("j"):
        return set()
    if machine.architecture.family == "aarch64":
        return _written_on_aarch64(one, machine)
    if not machine.architecture.is_x86 or name.startswith(("rep", "xchg", "cmpxchg")):
        return None
    if name in ("cdq", "cqo", "cwd", "mul", "div", "idiv", "imul", "cdqe", "cwde"):
        written = {machine.whole("eax"), machine.whole("edx")}
        if name != "imul" or len(one.operands) < 2:
            return written
    first = one.operands[0] if one.operands else None
    if name == "leave":
        return {machine.whole("esp"), machine.whole("ebp")}
    if first is None:
        return None
    if name == "pop" and first.kind == "register":
        return {machine.whole(first.register), machine.whole("esp")}
    return {machine.whole(first.register)} if first.kind == "register" else set()


def _written_on_aarch64(one: Decoded, machine: Machine) -> set[str] | None:
    name = one.mnemonic
    if name.startswith(("b", "cb", "tb")):
        return set()
    memory = next((o for o in one.operands if o.kind == "memory"), None)
    registers = [o.register for o in one.operands if o.kind == "register"]
    written: set[str] = set()
    if memory is not None and (one.post_index or one.operand_text.endswith("!")):
        written.add(machine.whole(memory.base))
    if name.startswith("st"):
        return written
    count = 2 if name.startswith(("ldp", "ldnp", "ldxp")) else 1
    return written | {machine.whole(register) for register in registers[:count]}


def _step(one: Decoded, machine: Machine, wanted: str) -> tuple[str, int, bool] | None:
    """(register it came from, what was added, whether it was a load)."""
    name = one.mnemonic.rpartition(" ")[2]
    memory = next((o for o in one.operands if o.kind == "memory"), None)
    if memory is not None and name != "lea":
        loads = name.startswith("ld") or (name in _COPIES and _is_whole(one))
        base = machine.whole(memory.base) if memory.base and not memory.index else ""
        return (base, 0, True) if loads else None
    if name == "lea" and memory is not None:
        if memory.index or memory.base in ("", "rip", "eip"):
            return None
        return machine.whole(memory.base), memory.displacement, False
    return _arithmetic(name, one.operands, machine, wanted)


def _is_whole(one: Decoded) -> bool:
    """x86: whether nothing of the register's old value is left, as after ``mov al``."""
    return one.operands[0].kind == "register" and one.operands[0].size >= 4


def _arithmetic(
    name: str, operands: Sequence[Operand], machine: Machine, wanted: str
) -> tuple[str, int, bool] | None:
    """Copies of registers and sums with constants."""
    if len(operands) < 2 or operands[0].kind != "register":
        return None
    source, last = operands[1], operands[-1]
    if name in _COPIES and source.kind == "register":
        return machine.whole(source.register), 0, False
    if name not in _SUMS or last.kind != "immediate":
        return None
    amount = last.value if name == "add" else -last.value
    base = machine.whole(source.register) if source.kind == "register" else wanted
    return base, amount, False


def _source(
    one: Decoded, machine: Machine, register: str, changed: set[str], offset: int
) -> Source:
    reads = [a for a in family(machine).accesses(one, machine) if a.kind == "read"]
    if not reads:
        return Source(register, None, 0, one.text, one.address, offset)
    access = reads[0]
    used = {machine.whole(name) for name in access.registers}
    slot = None if used & changed else access.address
    return Source(
        register,
        slot,
        access.width,
        one.text,
        one.address,
        offset,
        access.displacement,
    )
