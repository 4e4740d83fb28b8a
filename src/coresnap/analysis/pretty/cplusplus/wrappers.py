"""What holds one value, one of several, several of different types, or none."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.pretty.cplusplus.layout import first_slot
from coresnap.analysis.pretty.names import type_arguments
from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
    numbered,
)
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.model import VariableKind
from coresnap.snapshot.short_names import short_type

__all__ = ["any_", "atomic", "complex_", "optional", "pair", "tuple_", "variant"]

_ELEMENT_LIMIT = 64
"""Elements of a tuple, alternatives of a variant."""


def pair(type: ValueType) -> Present | None:
    """``std::pair``: without its base class."""
    first, second = type.slot("first"), type.slot("second")
    if first is None or second is None:
        return None

    def present(value: Value) -> Presentation:
        items = (("first", value[first]), ("second", value[second]))
        return Presentation(None, items, 2)

    return present


def tuple_(type: ValueType) -> Present | None:
    """``std::tuple``."""
    slots = list(_tuple_libstdcxx(type)) or list(_tuple_libcxx(type))
    # GCC 12 leaves the arguments of a tuple out of its DIE, other options out of its
    # name.
    count = len(type.arguments) or len(type_arguments(type.name))
    if len(slots) != min(count, _ELEMENT_LIMIT):
        return None

    def present(value: Value) -> Presentation:
        items = numbered(value[slot] for slot in slots)
        return Presentation(f"std::tuple of {len(slots)}", items, len(slots))

    return present


def _tuple_libstdcxx(type: ValueType) -> Iterator[Slot]:
    """Each _Tuple_impl has its element and the _Tuple_impl of the rest as bases."""
    rest = next(iter(type.bases), None)
    for index in range(_ELEMENT_LIMIT):
        if rest is None or rest.type.bare_name != "std::_Tuple_impl":
            return
        head, following = None, None
        for base in rest.type.bases:
            place = base.within(rest)
            if base.type.bare_name == "std::_Tuple_impl":
                following = place
            elif base.type.constant(0) == index:
                head = place
        if head is None:
            return
        inner = head.type.slot("_M_head_impl")
        yield head if inner is None else inner.within(head)
        rest = following


def _tuple_libcxx(type: ValueType) -> Iterator[Slot]:
    whole = first_slot(type, ("__base_",), ("base_",))
    for leaf in whole.type.bases[:_ELEMENT_LIMIT] if whole is not None else ():
        inner = leaf.type.slot("__value_")
        place = leaf if inner is None else inner.within(leaf)
        if whole is not None:
            yield place.within(whole)


def optional(type: ValueType) -> Present | None:
    """``std::optional``."""
    engaged = first_slot(type, ("_M_payload", "_M_engaged"), ("__engaged_",))
    held = first_slot(
        type,
        ("_M_payload", "_M_payload", "_M_value"),
        ("_M_payload", "_M_payload"),
        ("__val_",),
    )
    if engaged is None or held is None:
        return None

    def present(value: Value) -> Presentation:
        state = value.integer(engaged)
        if state not in (0, 1):
            raise CorruptValueError(f"whether it has a value is {state}")
        if state == 0:
            return Presentation("std::optional, empty")
        return Presentation("std::optional", (("[0]", value[held]),), 1)

    return present


def variant(type: ValueType) -> Present | None:
    """``std::variant``."""
    index = first_slot(
        type, ("_M_index",), ("__impl_", "__index"), ("__impl", "__index")
    )
    union = first_slot(type, ("_M_u",), ("__impl_", "__data"), ("__impl", "__data"))
    names = type_arguments(type.name)
    if index is None or union is None or not type.arguments:
        return None
    alternatives = list(_alternatives(union, len(type.arguments)))
    if len(alternatives) != len(type.arguments):
        return None
    bits = 8 * index.type.size

    def present(value: Value) -> Presentation:
        number = value.integer(index)
        if number in (-1, (1 << bits) - 1):
            return Presentation("std::variant, valueless by exception")
        if not 0 <= number < len(alternatives):
            raise CorruptValueError(f"it would hold alternative {number}")
        place = alternatives[number]
        held = names[number] if len(names) == len(alternatives) else place.type.name
        return Presentation(
            f"std::variant of {short_type(held)}", ((f"[{number}]", value[place]),), 1
        )

    return present


def _alternatives(union: Slot, count: int) -> Iterator[Slot]:
    for _ in range(min(count, _ELEMENT_LIMIT)):
        first = first_slot(union.type, ("_M_first",), ("__head",))
        if first is None:
            return
        place = first.within(union)
        inner = first_slot(first.type, ("_M_storage",), ("__value",))
        if inner is None:
            return
        yield _unwrapped(inner.within(place))
        rest = first_slot(union.type, ("_M_rest",), ("__tail",))
        if rest is None:
            return
        union = rest.within(union)


def _unwrapped(place: Slot) -> Slot:
    """Without libstdc++'s buffer for types that are not trivially destroyed."""
    if place.type.bare_name != "__gnu_cxx::__aligned_membuf":
        return place
    held = place.type.argument(0)
    return place if held is None else Slot(place.offset, held)


def any_(type: ValueType) -> Present | None:
    """``std::any``: what it holds is told by the function that manages it."""
    manager = first_slot(type, ("_M_manager",), ("__h_",), ("__h",))
    if manager is None or not manager.type.is_pointer:
        return None

    def present(value: Value) -> Presentation:
        address = value.integer(manager)
        if address == 0:
            return Presentation("std::any, empty")
        symbol = value.symbol(address) or ""
        held = next(iter(type_arguments(symbol)), "?")
        return Presentation(f"std::any of {short_type(held)}")

    return present


def complex_(type: ValueType) -> Present | None:
    """``std::complex``."""
    whole = type.slot("_M_value")
    real, imaginary = type.slot("__re_"), type.slot("__im_")
    if whole is not None:
        return lambda value: Presentation(like=value[whole])
    if real is None or imaginary is None:
        return None

    def present(value: Value) -> Presentation:
        parts = [
            value[slot].show("", VariableKind.MEMBER) for slot in (real, imaginary)
        ]
        return Presentation(f"{parts[0].value} + {parts[1].value}i")

    return present


def atomic(type: ValueType) -> Present | None:
    """``std::atomic``."""
    place = first_slot(
        type,
        ("_M_i",),
        ("_M_base", "_M_i"),
        ("_M_b", "_M_p"),
        ("_M_fp",),
        ("__a_", "__a_value"),
    )
    if place is None:
        return None
    return lambda value: Presentation(like=value[place])
