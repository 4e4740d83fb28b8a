"""Printers that other packages bring along, as entry points."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.model import Note

if TYPE_CHECKING:
    from coresnap.analysis.pretty.presentation import Printer

__all__ = ["GROUP", "installed_printers"]

GROUP = "coresnap.pretty"
"""Entry point group; each entry names a printer."""

_FILE_LIMIT = 1 << 20


@functools.cache
def installed_printers() -> tuple[dict[str, Printer], tuple[Note, ...]]:
    """Printers by name, and a note on each that could not be loaded."""
    # importlib.metadata takes 70 ms; this, where nothing is installed, less than one.
    if not any(f"[{GROUP}]".encode() in text for text in _entry_point_files()):
        return {}, ()
    from importlib.metadata import entry_points

    printers: dict[str, Printer] = {}
    notes = []
    for entry in entry_points(group=GROUP):
        try:
            printers[entry.name] = entry.load()
        except Exception as error:  # a package of somebody else, which may do anything
            text = f"printer {entry.name} ({entry.value}) cannot be loaded: {error!r}"
            notes.append(Note("pretty", text))
    return printers, tuple(notes)


def _entry_point_files() -> Iterator[bytes]:
    for directory in sys.path:
        try:
            with os.scandir(directory or ".") as entries:
                names = [entry.name for entry in entries]
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield _contents(f"{directory or '.'}/{name}/entry_points.txt")


def _contents(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _FILE_LIMIT)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
