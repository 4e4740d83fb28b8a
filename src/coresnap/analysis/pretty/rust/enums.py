"""Enums with fields: ``Some(3)``, ``None``, ``Circle {radius: 2.0}``."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Item,
    Present,
    Presentation,
)
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.analysis.values.types import CompoundType, Member

__all__ = ["present"]


class _Variant(msgspec.Struct, frozen=True, eq=False):
    """One variant: its name and where its fields are."""

    name: str
    place: Slot


class _Variants(msgspec.Struct, frozen=True, eq=False):
    """The variants of one enum, by the number that tells them apart."""

    discriminant: Slot | None
    numbered: dict[int, _Variant]
    default: _Variant | None


def present(type: ValueType) -> Present | None:
    """How values of an enum are presented; None if the type is none."""
    variants = _variants(type)
    if variants is None:
        return None

    def show(value: Value) -> Presentation:
        active = _active(value, variants)
        return Presentation(
            active.name, _fields(value[active.place]), constructor=active.name
        )

    return show


def _active(value: Value, variants: _Variants) -> _Variant:
    number = 0
    found = variants.default
    if variants.discriminant is not None:
        slot = variants.discriminant
        number = value.integer(slot) & (1 << 8 * slot.type.size) - 1
        found = variants.numbered.get(number, found)
    if found is None:
        raise CorruptValueError(f"no variant has the number {number}")
    return found


def _fields(held: Value) -> Iterator[Item]:
    for position, name in enumerate(held.type.members):
        label = f"[{position}]" if name == f"__{position}" else name
        yield label, held[name]


def _variants(type: ValueType) -> _Variants | None:
    found = type.decoder.graph.peeled(type.handle)
    if not isinstance(found, CompoundType) or found.variants is None:
        return None
    part = found.variants
    discriminant = None
    if part.discriminant is not None:
        discriminant = _slot(type, part.discriminant)
        if not discriminant.type.is_number:
            return None
    numbered = {
        number: _Variant(member.name, _slot(type, member))
        for number, member in part.numbered.items()
    }
    default = None
    if part.default is not None:
        default = _Variant(part.default.name, _slot(type, part.default))
    return _Variants(discriminant, numbered, default)


def _slot(type: ValueType, member: Member) -> Slot:
    return Slot(member.offset or 0, ValueType(type.decoder, member.type))
