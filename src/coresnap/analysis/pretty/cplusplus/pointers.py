"""Smart pointers: the pointer, and who else holds it."""

from __future__ import annotations

from coresnap.analysis.pretty.cplusplus.layout import first_slot, unpaired
from coresnap.analysis.pretty.presentation import Present, Presentation
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["reference_wrapper", "shared_pointer", "unique_pointer"]


def unique_pointer(type: ValueType) -> Present | None:
    """``std::unique_ptr``; its deleter, if it has a state, is in the raw view."""
    place = _unique_libstdcxx(type) or unpaired(type, ("__ptr_",))
    if place is None or not place.type.is_pointer:
        return None
    return lambda value: Presentation("std::unique_ptr", like=value[place])


def _unique_libstdcxx(type: ValueType) -> Slot | None:
    # Since GCC 7 the tuple is in a __uniq_ptr_impl, which is a member of the same name.
    for path in (("_M_t", "_M_t"), ("_M_t",)):
        pair = type.slot(*path)
        if pair is None or not pair.type.bases:
            continue
        implementation = pair.type.bases[0].within(pair)
        for base in implementation.type.bases:
            head = base.type.slot("_M_head_impl")
            is_pointer = head is not None and head.type.is_pointer
            if is_pointer and head is not None and base.type.constant(0) == 0:
                return head.within(base).within(implementation)
    return None


def shared_pointer(type: ValueType) -> Present | None:
    """``std::shared_ptr`` and ``std::weak_ptr``."""
    place = first_slot(type, ("_M_ptr",), ("__ptr_",))
    block = first_slot(type, ("_M_refcount", "_M_pi"), ("__cntrl_",))
    if place is None or block is None or block.type.target is None:
        return None
    counts = _counts(block.type.target)
    name = type.bare_name
    if counts is None:
        return None
    users, observers, extra = counts

    def present(value: Value) -> Presentation:
        address = value.integer(block)
        if address == 0:
            return Presentation(f"{name}, empty", like=value[place])
        control = value[block].dereference()
        use = control.integer(users) + extra
        # All who use it count together as one observer, while there are any.
        weak = control.integer(observers) + extra - (use > 0)
        text = f"{name}, use count {use}, weak count {weak}"
        if use > 0:
            return Presentation(text, like=value[place])
        text = f"{name}, expired, weak count {weak}"
        return Presentation(text, number=value.integer(place))

    return present


def _counts(control: ValueType) -> tuple[Slot, Slot, int] | None:
    """Use count, weak count, and what is to be added to both."""
    users, observers = control.slot("_M_use_count"), control.slot("_M_weak_count")
    extra = 0
    if users is None:
        # libc++ counts owners beyond the first.
        users = control.slot("__shared_owners_")
        observers = control.slot("__shared_weak_owners_")
        extra = 1
    return None if users is None or observers is None else (users, observers, extra)


def reference_wrapper(type: ValueType) -> Present | None:
    """``std::reference_wrapper``."""
    place = first_slot(type, ("_M_data",), ("__f_",))
    if place is None or not place.type.is_pointer:
        return None
    return lambda value: Presentation(like=value[place])
