"""Functions, exceptions, error codes, threads and locks."""

from __future__ import annotations

from coresnap.analysis.pretty.cplusplus.layout import first_slot
from coresnap.analysis.pretty.names import type_arguments
from coresnap.analysis.pretty.presentation import Present, Presentation
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.snapshot.short_names import short_type

__all__ = ["error_code", "exception_pointer", "function", "message", "mutex", "thread"]

_WITH_MESSAGE = frozenset(
    f"std::{name}"
    for name in (
        *("logic_error", "domain_error", "invalid_argument", "length_error"),
        *("out_of_range", "runtime_error", "range_error", "overflow_error"),
        "underflow_error",
    )
)
"""Exceptions of <stdexcept>."""


def function(type: ValueType) -> Present | None:
    """``std::function``: the name of what it calls."""
    return _function_libstdcxx(type) or _function_libcxx(type)


def _function_libstdcxx(type: ValueType) -> Present | None:
    invoker = type.slot("_M_invoker")
    manager = type.slot("_M_manager")
    stored = type.slot("_M_functor", "_M_unused", "_M_object")
    if invoker is None or manager is None or stored is None:
        return None

    def present(value: Value) -> Presentation:
        if value.integer(manager) == 0:
            return Presentation("std::function, empty")
        symbol = value.symbol(value.integer(invoker)) or ""
        arguments = type_arguments(symbol)
        callee = arguments[1] if len(arguments) > 1 else "?"
        if "(*)" in callee or callee == "?":
            callee = value.symbol(value.integer(stored)) or callee
        return Presentation(f"std::function of {short_type(callee)}")

    return present


def _function_libcxx(type: ValueType) -> Present | None:
    target = type.slot("__f_", "__f_")
    if target is None or not target.type.is_pointer:
        return None
    word = target.type.size

    def present(value: Value) -> Presentation:
        address = value.integer(target)
        if address == 0:
            return Presentation("std::function, empty")
        # Behind the destructors and copies of std::__function::__base: operator().
        symbol = value.symbol(value.word(value.word(address) + 6 * word)) or ""
        callee = next(iter(type_arguments(symbol)), "?")
        if "(*)" in callee:
            callee = value.symbol(value.word(address + word)) or callee
        return Presentation(f"std::function of {short_type(callee)}")

    return present


def message(type: ValueType) -> Present | None:
    """Exceptions of <stdexcept>: the text that they were made with."""
    place = first_slot(type, ("_M_msg",), ("__imp_",))
    if place is None:
        return None
    inner = place.type.slot("_M_p") or place.type.slot("__imp_")
    data = inner.within(place) if inner is not None else _string_data(place)
    if data is None or not data.type.is_pointer:
        return None

    def present(value: Value) -> Presentation:
        text = value.string(value.integer(data))
        return Presentation(text, contents=True)

    return present


def _string_data(place: Slot) -> Slot | None:
    inner = place.type.slot("_M_dataplus", "_M_p")
    return None if inner is None else inner.within(place)


def error_code(type: ValueType) -> Present | None:
    """``std::error_code`` and ``std::error_condition``."""
    number = first_slot(type, ("_M_value",), ("__val_",))
    if number is None:
        return None
    name = type.bare_name

    def present(value: Value) -> Presentation:
        code = value.integer(number)
        return Presentation(f"{name} {code}" if code else f"{name} 0, no error")

    return present


def exception_pointer(type: ValueType) -> Present | None:
    """``std::exception_ptr``."""
    place = first_slot(type, ("_M_exception_object",), ("__ptr_",))
    if place is None:
        return None

    def present(value: Value) -> Presentation:
        address = value.integer(place)
        if address == 0:
            return Presentation("std::exception_ptr, empty")
        text = f"std::exception_ptr to {_exception(value, address)}"
        return Presentation(text, number=address)

    return present


def _exception(value: Value, address: int) -> str:
    """What is known of an exception whose type only its vtable tells."""
    name = value.type.decoder.process.class_of(value.word(address))
    if name is None:
        return "an exception without a vtable"
    if name in _WITH_MESSAGE:
        # Both libraries keep a pointer to the text behind the vtable's.
        word = value.type.decoder.graph.pointer_size
        text = value.string(value.word(address + word))
        if text is not None:
            return f"{name}: {text}"
    return name


def mutex(type: ValueType) -> Present | None:
    """Mutexes that are a pthread_mutex_t: whether one is locked, and by whom."""
    native = first_slot(type, ("_M_mutex",), ("__m_",))
    if native is None:
        return None
    # glibc, nptl/pthread_mutex_lock.c: owner is the thread's id.
    lock = native.type.slot("__data", "__lock")
    owner = native.type.slot("__data", "__owner")
    count = native.type.slot("__data", "__count")
    if lock is None or owner is None or count is None:
        return None
    name = type.bare_name

    def present(value: Value) -> Presentation:
        inner = value[native]
        if inner.integer(lock) == 0:
            return Presentation(f"{name}, not locked")
        text = f"{name}, locked by thread {inner.integer(owner)}"
        times = inner.integer(count)
        return Presentation(text + (f" {times} times" if times > 1 else ""))

    return present


def thread(type: ValueType) -> Present | None:
    """``std::thread`` and its id: the handle of the thread."""
    paths = ("_M_id", "_M_thread"), ("_M_thread",), ("__t_",), ("__id_",)
    place = first_slot(type, *paths)
    if place is None or not place.type.is_number:
        return None
    name = type.bare_name

    def present(value: Value) -> Presentation:
        handle = value.integer(place)
        if handle == 0:
            return Presentation(f"{name} of no thread")
        return Presentation(f"{name}, pthread_t {handle:#x}")

    return present
