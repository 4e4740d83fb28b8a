"""Enums with fields: ``Some(3)``, ``None``, ``Circle {radius: 2.0}``."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.debuginfo.constants import Attribute, Tag
from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Item,
    Present,
    Presentation,
)
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["present"]

_VARIANT_LIMIT = 4096


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
    if type.members or not type.is_complete or not type.size:
        return None
    file = type.decoder.graph.file
    parts = file.children(type.plain.handle, (Tag.VARIANT_PART,))
    if len(parts) != 1:
        return None
    part = parts[0][0]
    numbered: dict[int, _Variant] = {}
    default = None
    discriminant = _discriminant(type, part)
    for handle, _ in file.children(part, (Tag.VARIANT,))[:_VARIANT_LIMIT]:
        members = file.children(handle, (Tag.MEMBER,))
        if len(members) != 1:
            return None
        die = file.die(members[0][0])
        place = Slot(die.member_location, ValueType(type.decoder, die.type))
        variant = _Variant(die.name or "", place)
        number = file.attribute(handle, Attribute.DISCR_VALUE)
        if number is None or number.number is None:
            default = variant
        elif discriminant is not None:
            mask = (1 << 8 * discriminant.type.size) - 1
            numbered[number.number & mask] = variant
    return _Variants(discriminant, numbered, default)


def _discriminant(type: ValueType, part: int) -> Slot | None:
    file = type.decoder.graph.file
    value = file.attribute(part, Attribute.DISCR)
    if value is None or value.reference is None:
        return None
    die = file.die(value.reference)
    found = ValueType(type.decoder, die.type)
    return Slot(die.member_location, found) if found.is_number else None
