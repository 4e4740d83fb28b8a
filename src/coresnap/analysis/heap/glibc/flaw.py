"""The noun: a place where malloc's data contradicts itself, before anyone is blamed."""

from __future__ import annotations

import msgspec

__all__ = ["Flaw"]


class Flaw(msgspec.Struct, frozen=True):
    """What is wrong, and which block may have been written over its end."""

    address: int
    """Of the first bad word."""
    what: str
    """With the numbers, in words."""
    above: int | None = None
    """The chunk whose header or links were written over from the block below it, if
    that is what happened; None where nothing points below."""
    kind: str = "header"
    """As in ``HeapDamage``."""
