"""How a snapshot is wanted as text."""

from __future__ import annotations

import msgspec

from coresnap.snapshot.ink import Ink

__all__ = ["Display"]


class Display(msgspec.Struct, frozen=True):
    """What the reader of the text asked for."""

    ink: Ink = Ink()
    width: int = 100
    """Columns of tables and of values on one line; names and paths may be longer."""
    details: bool = True
    """Show source lines, variables and registers."""
    full_names: bool = False
    """Show names of functions and types as they are stored, not shortened."""
    raw: bool = False
    """Show also how containers are made, not only what they hold."""
    searches: bool = False
    """Show what was looked for to read each module, and how the code was compiled."""
