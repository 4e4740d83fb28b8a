"""A file of a support bundle: what it is, and what makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from coresnap.config import Config

__all__ = ["Context", "Piece"]


@attrs.frozen
class Context:
    """What pieces are made from."""

    config: Config
    """As far as coresnap.conf makes sense; else the defaults."""
    source: Path | None
    """The file of settings that was named; None for the usual places."""
    config_problem: str = ""
    """What does not; empty if all does."""


@attrs.frozen
class Piece:
    """One file."""

    name: str
    """In the bundle."""
    meaning: str
    collect: Callable[[Context], str]
    """Returns its text; whatever it raises stands in the file instead."""
