"""Enumerations: their values by name, and whether those are bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coresnap.analysis.debuginfo.constants import Attribute, Tag
from coresnap.analysis.debuginfo.records import Die, DieFlag
from coresnap.analysis.values.types import VOID, BaseType, EnumType

if TYPE_CHECKING:
    from coresnap.analysis.values.type_graph import TypeGraph

__all__ = ["read_enumeration"]

_ENUMERATOR_LIMIT = 65536


def read_enumeration(graph: TypeGraph, die: Die, name: str | None) -> EnumType:
    """The enumeration of a DIE that defines or declares one."""
    size, signed = _layout(graph, die)
    values: dict[int, str] = {}
    children = graph.file.children(die.handle, (Tag.ENUMERATOR,))
    for handle, _ in children[:_ENUMERATOR_LIMIT]:
        value = graph.file.attribute(handle, Attribute.CONST_VALUE)
        if value is not None and value.number is not None:
            # DWARF 2 has no underlying type: a negative enumerator tells.
            signed = signed or value.number < 0
            number = _wrap(value.number, size, signed)
            values.setdefault(number, graph.file.die(handle).name or "")
    return EnumType(
        die.handle,
        name,
        size,
        signed=signed,
        enumerators=values,
        flags=_are_flags(values),
        complete=not die.flags & DieFlag.DECLARATION,
    )


def _layout(graph: TypeGraph, die: Die) -> tuple[int, bool]:
    """Bytes, and whether they are a signed number."""
    underlying = graph.peeled(die.type) if die.type else VOID
    signed = isinstance(underlying, BaseType) and underlying.is_signed
    if die.flags & DieFlag.BYTE_SIZE:
        return die.byte_size, signed
    return underlying.size or 4, signed


def _wrap(number: int, size: int, signed: bool) -> int:
    number &= (1 << 8 * size) - 1
    return number - (1 << 8 * size) if signed and number >> (8 * size - 1) else number


def _are_flags(values: dict[int, str]) -> bool:
    bits = [value for value in values if value]
    return len(bits) > 1 and all(v > 0 and v & (v - 1) == 0 for v in bits)
