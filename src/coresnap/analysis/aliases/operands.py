"""Where the registers of a failed access came from: the slot that each was loaded from.

A slot is believed only if it still holds what the register was made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.classify.suspects import suspects
from coresnap.analysis.variable_paths import variable_paths
from coresnap.errors import MemoryReadError
from coresnap.model import Annotation, Variable

if TYPE_CHECKING:
    from coresnap.analysis.classify.case import Case
    from coresnap.analysis.instruction.fault import Fault
    from coresnap.analysis.instruction.provenance import Source

__all__ = ["Operand", "operand_marks", "operands"]

_FAULTS = frozenset({"SIGSEGV", "SIGBUS"})
_PC = "pc"


class Operand(msgspec.Struct, frozen=True):
    """A number that the failed access was made with."""

    name: str
    """``rax``; ``pc`` of a jump; ``address`` where the instruction is not known."""
    value: int
    slot: int | None = None
    """Where in memory it had been loaded from; None if nothing tells."""
    owner: int | None = None
    """The pointer that the load went through: the object that the slot is part of, or
    should be."""


def operands(case: Case) -> Sequence[Operand]:
    """The registers that the failed access was made of, the base first."""
    signal = case.signal
    if signal is None or case.fault_address is None:
        return ()
    if case.access is None:
        is_fault = signal.name in _FAULTS and signal.sender_pid is None
        return (Operand("address", case.fault_address),) if is_fault else ()
    architecture = case.core.architecture
    own = architecture.stack_pointer, architecture.program_counter
    names = {architecture.register_names.get(number) for number in own}
    return [
        Operand(one.name, one.value, *_slot(case, one.name, one.value))
        for one in suspects(case)
        if one.name not in names
    ]


def operand_marks(
    case: Case, found: Sequence[Operand], globals_: Sequence[Variable]
) -> dict[int, list[Annotation]]:
    """Remarks on the variables that the operands are, or were loaded from, by
    ``id()`` of the variable."""
    remarks: dict[int, list[Annotation]] = {}
    slots: dict[int | None, str] = {
        one.slot: one.name for one in found if one.slot is not None
    }
    registers = {one.name: one.value for one in found}
    failed = range(case.failed_frame, _physical(case) + 1)
    for index, variable in _scalars(case, globals_):
        name, place = slots.get(variable.address), variable.location or ""
        if name is not None:
            text = f"the faulting {name} was loaded from it"
        elif index in failed and registers.get(place) == variable.value:
            text = f"it is the faulting {place}"
        else:
            continue
        remarks.setdefault(id(variable), [Annotation("comment", text)])
    return remarks


def _scalars(
    case: Case, globals_: Sequence[Variable]
) -> Iterator[tuple[int | None, Variable]]:
    """Numbers in variables of the crashed thread, with their frame, and of globals;
    not the structure that begins where its first member does."""
    for index, frame in enumerate(case.frames):
        for _, variable in variable_paths(frame.variables, items=True):
            if type(variable.value) is int:
                yield index, variable
    for _, variable in variable_paths(globals_, items=True):
        if type(variable.value) is int:
            yield None, variable


def _physical(case: Case) -> int:
    """Index of the frame that the failed code's inlined calls are part of."""
    for index in range(case.failed_frame, len(case.frames)):
        if not case.frames[index].inline:
            return index
    return case.failed_frame


def _slot(case: Case, name: str, value: int) -> tuple[int | None, int | None]:
    """The slot, and what the load went through."""
    fault = case.fault
    if fault is None:
        return None, None
    if name == _PC:
        return _slot_of_target(case, fault, value), None
    source = next(_sources(case, fault, name), None)
    if source is None:
        return None, None
    slots = [source.slot] if source.slot is not None else _by_variables(case, source)
    fitting = {slot for slot in slots if _has_given(case, slot, source, value)}
    if len(fitting) != 1:
        return None, None
    slot = fitting.pop()
    return slot, slot - source.displacement


def _by_variables(case: Case, source: Source) -> Iterator[int]:
    """Where it may have been loaded from, when the load's base was written over: at
    the same distance from what a pointer of the failed function leads to."""
    for frame in case.frames[case.failed_frame : _physical(case) + 1]:
        for variable in frame.variables:
            if type(variable.value) is int and variable.type.endswith(("*", "&")):
                yield variable.value + source.displacement


def _has_given(case: Case, slot: int, source: Source, value: int) -> bool:
    try:
        data = case.core.memory.read(slot, source.width)
    except MemoryReadError:
        return False
    held = int.from_bytes(data, case.core.architecture.byte_order)
    return (held + source.offset) & case.core.architecture.pointer_mask == value


def _slot_of_target(case: Case, fault: Fault, target: int) -> int | None:
    from coresnap.analysis.instruction.origin import find_origin

    origin = find_origin(case.core, fault, target)
    return None if origin is None or origin.kind == "return" else origin.slot


def _sources(case: Case, fault: Fault, register: str) -> Iterator[Source]:
    from coresnap.analysis.instruction.provenance import sources

    if fault.decoded is None or not case.frames:
        return
    frame, pc = case.frames[_physical(case)], fault.decoded.address
    if frame.function_offset is not None:
        start = pc - frame.function_offset
        yield from sources(case.core.memory, fault.machine, start, pc, register)
