"""What is known of a snapshot that was sent, once it was checked and read."""

from __future__ import annotations

import msgspec

from coresnap.store.fault import Value
from coresnap.store.symbols.missing import MissingSymbols

__all__ = ["Arrival"]


class Arrival(msgspec.Struct, frozen=True):
    """A snapshot on its way into the store; made by the child that reads it."""

    object: str
    """32 hex digits: attribute ``coresnap.object`` without dashes; of a snapshot
    without one, the beginning of ``digest``."""
    digest: str
    """SHA-256 of the bytes that were sent, 64 hex digits."""
    size: int
    """Bytes that were sent."""
    time: int
    """Of the crash, seconds UTC; of its reception if the snapshot does not say."""
    fingerprint: str
    """64 hex digits."""
    title: str
    """What a person reads for its group: program and inner frames."""
    callstack: tuple[str, ...]
    attributes: dict[str, Value]
    """As the snapshot has them, capped in number and length."""
    scrubbed: tuple[str, ...] = ()
    """Names of the scrubbers that found something on arrival."""
    missing: tuple[MissingSymbols, ...] = ()
    """Symbol files that would make it more readable; their build-ids are its attribute
    ``symbols.missing``."""
    body: bytes | None = None
    """The snapshot as it is to be stored, where scrubbing changed it."""
