"""What other packages bring along for analysis, as entry points."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from typing import Any

from coresnap.model import Note

__all__ = ["entry_point_files", "installed"]

_FILE_LIMIT = 1 << 20


@functools.cache
def installed(group: str) -> tuple[dict[str, Any], tuple[Note, ...]]:
    """What the entry points of ``group`` name, and a note on each that does not load.

    The notes' step is the last part of the group's name.
    """
    # importlib.metadata takes 70 ms; this, where nothing is installed, less than one.
    if not any(f"[{group}]".encode() in text for text in entry_point_files()):
        return {}, ()
    from importlib.metadata import entry_points

    found: dict[str, Any] = {}
    notes = []
    for entry in entry_points(group=group):
        try:
            found[entry.name] = entry.load()
        except Exception as error:  # a package of somebody else, which may do anything
            step = group.rpartition(".")[2]
            what = f"entry point {entry.name} ({entry.value})"
            text = f"{what} cannot be loaded: {error!r}"
            notes.append(Note(step, text))
    return found, tuple(notes)


@functools.cache
def entry_point_files() -> tuple[bytes, ...]:
    """The contents of every installed package's ``entry_points.txt``."""
    return tuple(_read_entry_point_files())


def _read_entry_point_files() -> Iterator[bytes]:
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
