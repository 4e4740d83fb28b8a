"""The variants of Rust's enums: which member there is, by which discriminant."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from coresnap.analysis.debuginfo.constants import Attribute, Tag
from coresnap.analysis.values.types import Member, VariantPart

if TYPE_CHECKING:
    from coresnap.analysis.values.type_graph import TypeGraph

__all__ = ["read_variants"]

_VARIANT_LIMIT = 4096


def read_variants(
    graph: TypeGraph, part: int, member: Callable[[int], Member]
) -> VariantPart | None:
    """The variants of a variant part; ``member`` reads a member's DIE.

    None if a variant is not one member, or if there is no variant.
    """
    file = graph.file
    told = file.attribute(part, Attribute.DISCR)
    discriminant = None
    if told is not None and told.reference is not None:
        discriminant = member(told.reference)
    size = (discriminant and graph.size(discriminant.type)) or 16
    numbered: dict[int, Member] = {}
    default: Member | None = None
    for variant, _ in file.children(part, (Tag.VARIANT,))[:_VARIANT_LIMIT]:
        members = file.children(variant, (Tag.MEMBER,))
        if len(members) != 1:
            return None
        only = member(members[0][0])
        number = _discriminant(graph, variant, size)
        if number is None:
            default = only
        else:
            numbered[number] = only
    if discriminant is None:
        default = next(iter(numbered.values()), default)
    if not numbered and default is None:
        return None  # an enum that no value can be of
    return VariantPart(discriminant, numbered, default)


def _discriminant(graph: TypeGraph, variant: int, size: int) -> int | None:
    """The number of a variant, as unsigned; those of u128 are blocks."""
    value = graph.file.attribute(variant, Attribute.DISCR_VALUE)
    if value is not None and value.block is not None:
        return int.from_bytes(value.block, graph.byte_order)
    if value is None or value.number is None:
        return None
    return value.number & (1 << 8 * size) - 1
