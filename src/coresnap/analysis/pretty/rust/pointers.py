"""Counted pointers."""

from __future__ import annotations

from coresnap.analysis.pretty.names import type_arguments
from coresnap.analysis.pretty.presentation import Present, Presentation
from coresnap.analysis.pretty.rust.layout import number_at, short_name
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["counted", "trait_object", "wrapped"]


def counted(type: ValueType) -> Present | None:
    """``Rc``, ``Arc`` and their ``Weak``, of values whose size is known."""
    pointer = number_at(type, ("ptr",))
    inner = pointer.type.target if pointer is not None else None
    if pointer is None or inner is None or not inner.is_complete:
        return None
    strong, weak = number_at(inner, ("strong",)), number_at(inner, ("weak",))
    held = inner.slot("value") or inner.slot("data")
    if strong is None or weak is None or held is None:
        return None
    name = short_name(type)
    dangling = (1 << 8 * pointer.type.size) - 1

    def present(value: Value) -> Presentation:
        address = value.integer(pointer)
        if address == dangling:
            return Presentation(f"{name} of nothing")
        control = value.at(address, inner)
        owners = control.integer(strong)
        # All owners together hold one weak reference.
        observers = control.integer(weak) - (owners > 0)
        text = f"{name}, strong {owners}, weak {observers}"
        if owners == 0:
            return Presentation(text, number=address + held.offset)
        target = value.at(address + held.offset, held.type)
        return Presentation(text, target=target, number=address + held.offset)

    return present


def trait_object(type: ValueType) -> Present | None:
    """``&dyn Trait``, ``Box<dyn Trait>``: the type whose vtable it has."""
    pointer, vtable = type.slot("pointer"), type.slot("vtable")
    if pointer is None or vtable is None or len(type.members) != 2:
        return None
    if not pointer.type.is_pointer or not vtable.type.is_pointer:
        return None

    def present(value: Value) -> Presentation:
        table = value.integer(vtable)
        address = value.integer(pointer)
        held = _described(type, table)
        if held is not None:
            text = f"dyn of {held.name}"
            target = value.at(address, held) if address else None
            return Presentation(text, target=target, number=address)
        name = _implementor(value, table, vtable.type.size)
        text = f"dyn of {name or 'a type without a name'}"
        return Presentation(text, number=address)

    return present


def _described(type: ValueType, vtable: int) -> ValueType | None:
    """The type whose vtable it is, as debug information says: that of the module that
    uses it, or of the one that it stands in."""
    process = type.decoder.process
    for decoder in (type.decoder, process.decoder_at(vtable)):
        handle = decoder.dynamic.implementor(vtable) if decoder is not None else 0
        if handle and decoder is not None:
            return ValueType(decoder, handle)
    return None


def _implementor(value: Value, vtable: int, word: int) -> str | None:
    """Whose drop_in_place<T> begins the vtable, or, if nothing is to be dropped, whose
    <T as Trait>::method comes behind size and alignment."""
    drop = value.word(vtable)
    if drop:
        symbol = value.symbol(drop) or ""
        return next(iter(type_arguments(symbol)), None)
    method = value.symbol(value.word(vtable + 3 * word)) or ""
    if not method.startswith("<"):
        return None
    return method[1:].partition(" as ")[0]


def wrapped(type: ValueType) -> Present | None:
    """A pointer in a wrapper that only promises something about it."""
    inner = type.innermost()
    if not inner.type.is_pointer:
        return None
    return lambda value: Presentation(like=value[inner])
