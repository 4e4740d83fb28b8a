"""Cells, locks and atomics: the value, and who is at it."""

from __future__ import annotations

from collections.abc import Callable

from coresnap.analysis.pretty.presentation import Present, Presentation, Printer
from coresnap.analysis.pretty.rust.layout import inside, number_at
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["borrowed", "mutex", "read_write_lock", "ref_cell", "transparent"]

_WRITER = 0x3FFF_FFFF
"""Low bits of an RwLock's state that a writer sets (std, sys/sync/rwlock/futex.rs)."""


def transparent(type: ValueType) -> Present | None:
    """A wrapper of one value."""
    inner = type.slot("value") or type.slot("__0") or type.slot("v")
    if inner is None or inner.type.size != type.size:
        return None
    while True:
        deeper = inner.type.slot("value")
        is_cell = inner.type.bare_name == "core::cell::UnsafeCell"
        if deeper is None or not is_cell:
            break
        inner = deeper.within(inner)
    place = inner
    return lambda value: Presentation(like=value[place])


def _held(type: ValueType, name: str) -> Slot | None:
    cell = type.slot(name)
    inner = cell.type.slot("value") if cell is not None else None
    return None if cell is None or inner is None else inner.within(cell)


def ref_cell(type: ValueType) -> Present | None:
    """``RefCell``, and how it is borrowed."""
    state, held = number_at(type, ("borrow",)), _held(type, "value")
    if state is None or held is None:
        return None

    def present(value: Value) -> Presentation:
        number = value.integer(state)
        words = "not borrowed" if number == 0 else f"borrowed {number} times"
        if number == 1:
            words = "borrowed once"
        if number < 0:
            words = "mutably borrowed"
        return Presentation(f"RefCell, {words}", like=value[held])

    return present


def _mutex_state(number: int) -> str:
    if number == 0:
        return "not locked"
    return "locked" if number == 1 else "locked, others wait"


def _lock_state(number: int) -> str:
    readers = number & _WRITER
    if readers == 0:
        return "not locked"
    if readers == _WRITER:
        return "locked by a writer"
    return f"locked by {readers} readers"


def _lock(name: str, say: Callable[[int], str], *paths: tuple[str, ...]) -> Printer:
    def printer(type: ValueType) -> Present | None:
        state, held = number_at(type, *paths), _held(type, "data")
        poison = number_at(type, ("poison",))
        if state is None or held is None or state.type.size != 4:
            return None

        def present(value: Value) -> Presentation:
            text = f"{name}, {say(value.integer(state) & 0xFFFF_FFFF)}"
            if poison is not None and value.integer(poison):
                text += ", poisoned"
            return Presentation(text, like=value[held])

        return present

    return printer


mutex = _lock("Mutex", _mutex_state, ("inner",))
read_write_lock = _lock(
    "RwLock", _lock_state, ("inner", "state"), ("inner", "__0", "state")
)


def borrowed(type: ValueType) -> Present | None:
    """What ``RefCell`` lends: a pointer to its value."""
    place = inside(type, ("value",))
    if place is None or not place.type.is_pointer:
        return None
    return lambda value: Presentation(like=value[place])
