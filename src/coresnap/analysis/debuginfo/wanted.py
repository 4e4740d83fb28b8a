"""What may be asked of a server, and what came of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.symbol_directory import Kind
from coresnap.model import Search

__all__ = ["Fetched", "Wanted"]


class Wanted(msgspec.Struct, frozen=True):
    """A file that a server may have."""

    build_id: str
    kind: Kind


class Fetched(msgspec.Struct, frozen=True):
    """What came of asking for one file."""

    path: Path | None
    """Where it is kept; None if nobody had it, or what came was no use."""
    searches: tuple[Search, ...]
