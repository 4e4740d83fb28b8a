"""Versions that are decimal numbers, as the numbers of builds are."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["compare_numbers"]

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def compare_numbers(one: str, other: str) -> int | None:
    """Return -1, 0 or 1; None if one of them is no decimal number."""
    if not (_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)):
        return None
    first, second = Decimal(one), Decimal(other)
    return (first > second) - (first < second)
