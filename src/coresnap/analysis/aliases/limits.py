"""How far aliases are followed, and how much memory is read for it."""

from __future__ import annotations

import msgspec

__all__ = ["AliasLimits"]


class AliasLimits(msgspec.Struct, frozen=True):
    """Budgets of one search."""

    levels: int = 3
    """0: aliases are not looked for."""
    bytes_per_level: int = 256 << 20
    kept: int = 256
    """Aliases in the snapshot."""
