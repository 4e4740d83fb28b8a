"""Pointers that have a name: variables of frames and globals, and registers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.aliases.frame_numbers import FrameNumbers
from coresnap.analysis.classify.suspects import FIRST_POINTER
from coresnap.analysis.unwind.stack import Stack
from coresnap.analysis.variable_paths import variable_paths
from coresnap.elfcore.registers import Architecture
from coresnap.model import Thread, Variable, VariableKind

__all__ = ["Held", "held_by_registers", "held_by_variables", "is_pointer"]

_QUALIFIERS = ("const", "volatile", "restrict")
_RUST_POINTERS = ("&", "*const ", "*mut ", "alloc::boxed::Box<", "core::ptr::non_null")
_INTEGERS_FOR_POINTERS = frozenset({"uintptr_t", "intptr_t"})


class Held(msgspec.Struct, frozen=True, eq=False):
    """A word with a name."""

    value: int
    holder: str
    """``variable``, ``register`` or, of a variable of a thread's own, ``tls``."""
    name: str
    variable: Variable | None = None
    address: int | None = None
    """Where it lives; None for a register."""
    tid: int | None = None
    frame: int | None = None
    is_pointer: bool = True
    """False for an integer, which may equal a pointer by accident."""


def is_pointer(variable: Variable) -> bool:
    """Whether a variable is declared as something that leads somewhere."""
    if variable.target is not None:
        return True
    text = variable.type
    for qualifier in _QUALIFIERS:
        text = text.removesuffix(qualifier).rstrip()
    if text.endswith(("*", "&")) or "(*" in text or text.startswith(_RUST_POINTERS):
        return True
    return text.removeprefix("std::") in _INTEGERS_FOR_POINTERS


def held_by_variables(
    threads: Sequence[Thread], globals_: Sequence[Variable]
) -> Iterator[Held]:
    """Yield words of variables, the crashed thread's innermost frame first."""
    for thread in threads:
        for index, frame in enumerate(thread.frames):
            for path, variable in variable_paths(frame.variables, items=True):
                if _may_be_address(variable):
                    yield _of_variable(path, variable, thread.tid, index)
    for one in globals_:
        tid = _thread(one)
        for path, variable in variable_paths([one], items=True):
            if _may_be_address(variable):
                held = _of_variable(path, variable, tid, None)
                # Behind a pointer is everybody's memory.
                own = one.kind is VariableKind.TLS and "->" not in path
                yield msgspec.structs.replace(held, holder="tls") if own else held


def _thread(variable: Variable) -> int | None:
    """Whose copy of a variable of each thread's own this is."""
    word, _, tid = (variable.location or "").partition(" ")
    if variable.kind is not VariableKind.TLS or word != "thread":
        return None
    return int(tid) if tid.isdecimal() else None


def _may_be_address(variable: Variable) -> bool:
    value = variable.value
    return type(value) is int and value >= FIRST_POINTER


def _of_variable(
    path: str, variable: Variable, tid: int | None, frame: int | None
) -> Held:
    assert type(variable.value) is int
    return Held(
        variable.value,
        "variable",
        path,
        variable,
        variable.address,
        tid,
        frame,
        is_pointer(variable),
    )


def held_by_registers(
    architecture: Architecture, threads: Sequence[Thread], stacks: Sequence[Stack]
) -> Iterator[Held]:
    """Yield registers of every thread and frame: in callers, those whose value is
    not that of the frame within."""
    own = {architecture.stack_pointer, architecture.program_counter}
    names = architecture.register_names
    for thread, stack in zip(threads, stacks, strict=False):
        numbers = FrameNumbers(thread)
        inner: dict[int, int] = {}
        for frame in stack.frames:
            registers = frame.registers
            index = numbers.of(frame.pc, registers.get(architecture.stack_pointer))
            for number, value in registers.items():
                if value < FIRST_POINTER or number in own:
                    continue
                if inner.get(number) != value and number in names:
                    name = names[number]
                    yield Held(value, "register", name, None, None, thread.tid, index)
            inner = registers
