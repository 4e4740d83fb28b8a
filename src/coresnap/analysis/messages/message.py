"""The noun: one text in which a library or a run-time said why it gave up."""

from __future__ import annotations

import msgspec

__all__ = ["Message"]


class Message(msgspec.Struct, frozen=True):
    """A text that was found in the core's memory."""

    kind: str
    """``abort`` (``__abort_msg``), ``exception``, ``panic``, …"""
    text: str
    """As it was written, its control characters escaped."""
    address: int
    """Where it lies."""
    found_by: str
    """``symbol``, ``scan``, or what else led there."""
    tid: int | None = None
    """The thread that said it; None if nothing tells."""
    parts: dict[str, str] = msgspec.field(default_factory=dict)
    """What is in it: ``expression``, ``file``, ``line``, ``function``, ``type``, …"""
