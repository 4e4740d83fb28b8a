"""A fault: what the store knows of one snapshot without opening it."""

from __future__ import annotations

import msgspec

__all__ = ["Fault", "Value"]

Value = int | float | str
"""Of an attribute."""


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stored snapshot; this is what travels through the queue into the index."""

    object: str
    """32 hex digits; once in a project."""
    sequence: int
    """Order of acceptance in the store, from 1; what pages are pinned to."""
    time: int
    """Of the crash: seconds, UTC since the epoch."""
    received: int
    """When the store accepted it: seconds, UTC since the epoch, by its own clock."""
    fingerprint: str
    """64 hex digits."""
    attributes: dict[str, Value]
    """As in ``docs/attributes.md``, within the caps; ``object``, ``timestamp``,
    ``timestamp.received``, ``fingerprint`` and ``object.size`` among them."""
    digest: str = ""
    """SHA-256 of what was sent, 64 hex digits; with ``upload`` it lets a state that was
    restored from a backup know of faults that came later. Empty: not told."""
    upload: str = ""
    """End of the key of its snapshot, 16 hex digits."""
