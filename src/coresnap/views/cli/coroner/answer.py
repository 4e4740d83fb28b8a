"""Answers of the server, as commands print them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    import msgspec

__all__ = ["day", "emit_json", "emit_table"]


def emit_json(answer: msgspec.Struct) -> None:
    """Print an answer as JSON, field by field."""
    import msgspec

    emit(json.dumps(msgspec.to_builtins(answer), indent=2) + "\n")


def emit_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below their heading, each column as wide as it must be."""
    cells = [heading, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(heading))]
    for row in cells:
        line = "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        emit(line.rstrip() + "\n")


def day(seconds: int | None, otherwise: str) -> str:
    """Return a time as its day and minute, UTC; ``otherwise`` for None."""
    if seconds is None:
        return otherwise
    try:
        time = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return str(seconds)
    return f"{time:%Y-%m-%d %H:%M}"
