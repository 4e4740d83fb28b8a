"""Sizes for people, as the announcement writes them."""

from __future__ import annotations

__all__ = ["decimal_size"]

_UNITS = ("B", "kB", "MB", "GB", "TB")


def decimal_size(size: float) -> str:
    """Return ``size`` bytes with a decimal unit: ``18.81 kB``; ``512 B`` is exact."""
    unit = 0
    while size >= 999.995 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    return f"{size:.2f} {_UNITS[unit]}" if unit else f"{size:.0f} B"
