"""Pointers that have a name: variables of frames and globals, and registers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.aliases.frame_numbers import FrameNumbers
from coresnap.analysis.aliases.spans import TargetMap
from coresnap.analysis.classify.suspects import FIRST_POINTER
from coresnap.analysis.unwind.stack import Stack
from coresnap.analysis.variable_paths import MOST, variable_paths
from coresnap.elfcore.registers import Architecture
from coresnap.model import Thread, Variable, VariableKind

__all__ = ["Held", "NamedWords", "is_pointer"]

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


class NamedWords:
    """Variables and registers of a process, searched again for each level.

    A process has a hundred thousand; names are made for those that are asked for.
    """

    def __init__(
        self,
        architecture: Architecture,
        threads: Sequence[Thread],
        stacks: Sequence[Stack],
        globals_: Sequence[Variable],
    ) -> None:
        self._architecture = architecture
        self._trees = [
            *(
                _Tree(one, values, thread.tid, index)
                for thread in threads
                for index, frame in enumerate(thread.frames)
                for one in frame.variables
                if (values := _values(one))
            ),
            *(
                _Tree(one, values, _thread(one), None)
                for one in globals_
                if (values := _values(one))
            ),
        ]
        self._registers = list(_registers(architecture, threads, stacks))

    def within(
        self, targets: TargetMap, views: Counter[int], most: int
    ) -> Iterator[Held]:
        """What leads to a target: the crashed thread's variables first, from the
        innermost frame outwards; registers last.

        ``views`` is how often each value was taken, which the caller counts; from
        ``most`` on variables are counted here, and not looked into.
        """
        for tree in self._trees:
            leading = [value for value in tree.values if targets.of(value)]
            if any(views[value] < most for value in leading):
                yield from _held(tree, targets)
            else:
                views.update(leading)
        names = self._architecture.register_names
        for tid, index, number, value in self._registers:
            if number in names and targets.of(value) is not None:
                name = names[number]
                yield Held(value, "register", name, None, None, tid, index)


class _Tree(msgspec.Struct, frozen=True, eq=False):
    """A variable with all that is in it, and the addresses among its values."""

    variable: Variable
    values: tuple[int, ...]
    tid: int | None
    frame: int | None


def _values(variable: Variable) -> tuple[int, ...]:
    found: set[int] = set()
    pending = [variable]
    for _ in range(MOST):
        if not pending:
            break
        one = pending.pop()
        value = one.value
        if type(value) is int and value >= FIRST_POINTER:
            found.add(value)
        pending += one.members
        pending += one.items
        if one.target is not None:
            pending.append(one.target)
    return tuple(found)


def _held(tree: _Tree, targets: TargetMap) -> Iterator[Held]:
    own = tree.frame is None and tree.tid is not None
    for path, variable in variable_paths([tree.variable], items=True):
        value = variable.value
        if type(value) is int and targets.of(value) is not None:
            yield Held(
                value,
                # Behind a pointer is everybody's memory.
                "tls" if own and "->" not in path else "variable",
                path,
                variable,
                variable.address,
                tree.tid,
                tree.frame,
                is_pointer(variable),
            )


def _thread(variable: Variable) -> int | None:
    """Whose copy of a variable of each thread's own this is."""
    word, _, tid = (variable.location or "").partition(" ")
    if variable.kind is not VariableKind.TLS or word != "thread":
        return None
    return int(tid) if tid.isdecimal() else None


def _registers(
    architecture: Architecture, threads: Sequence[Thread], stacks: Sequence[Stack]
) -> Iterator[tuple[int, int | None, int, int]]:
    """Thread, frame, number and value of the registers of every frame: in callers,
    those whose value is not that of the frame within."""
    own = {architecture.stack_pointer, architecture.program_counter}
    for thread, stack in zip(threads, stacks, strict=False):
        numbers = FrameNumbers(thread)
        inner: dict[int, int] = {}
        for frame in stack.frames:
            registers = frame.registers
            index = numbers.of(frame.pc, registers.get(architecture.stack_pointer))
            for number, value in registers.items():
                if value < FIRST_POINTER or inner.get(number) == value:
                    continue
                if number not in own:
                    yield thread.tid, index, number, value
            inner = registers
