"""Values of one attribute with one kind: the narrowest that loses none of them."""

from __future__ import annotations

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.guessing import kind_of
from coresnap.store.fault import Value

__all__ = ["coerced", "is_wider", "widened"]

_ORDER = (Kind.INTEGER, Kind.NUMBER, Kind.TEXT)
_EXACT = 1 << 53
"""Up to here every whole number is a number of IEEE 754."""


def is_wider(kind: Kind, other: Kind) -> bool:
    """Whether every value of ``other`` is one of ``kind``, which is another kind."""
    if kind is Kind.LABELS:
        return other is not Kind.LABELS
    return other in _ORDER and _ORDER.index(kind) > _ORDER.index(other)


def widened(attribute: Attribute, value: Value) -> Kind:
    """Return the kind that holds ``value`` beside the values of ``attribute``."""
    kind = kind_of(value)
    if isinstance(value, int) and kind is Kind.INTEGER and abs(value) > _EXACT:
        # 64 bits are not exact as a number.
        kind = Kind.TEXT if attribute.kind is Kind.NUMBER else kind
    return kind if is_wider(kind, attribute.kind) else attribute.kind


def coerced(value: Value, attribute: Attribute) -> Value | None:
    """Return ``value`` as one of the attribute's kind; None if it cannot be that."""
    match attribute.kind:
        case Kind.INTEGER:
            return _integer(value, attribute)
        case Kind.NUMBER:
            if isinstance(value, str) or (
                abs(value) > _EXACT and isinstance(value, int)
            ):
                return None
            return float(value)
        case _:
            return value if isinstance(value, str) else str(value)


def _number(value: Value) -> float | None:
    if isinstance(value, float):
        return value
    return float(value) if isinstance(value, int) and abs(value) <= _EXACT else None


def _integer(value: Value, attribute: Attribute) -> int | None:
    if isinstance(value, float) and attribute.is_known and value.is_integer():
        value = int(value)
    if not isinstance(value, int):
        return None
    if attribute.format == "address" and 1 << 63 <= value < 1 << 64:
        return value - (1 << 64)
    return value if kind_of(value) is Kind.INTEGER else None
