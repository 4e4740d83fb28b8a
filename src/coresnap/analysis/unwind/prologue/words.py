"""Reading fixed-width instruction words."""

from __future__ import annotations

from typing import Literal

__all__ = ["signed", "word_at"]


def word_at(
    code: bytes, position: int, size: int, order: Literal["little", "big"] = "little"
) -> int | None:
    """The instruction word at ``position``; None if it is cut."""
    data = code[position : position + size]
    return int.from_bytes(data, order) if len(data) == size else None


def signed(value: int, bits: int) -> int:
    """The two's complement number in the low ``bits`` of ``value``."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value
