"""Where sources are, which is not always where they were compiled."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path

import msgspec

__all__ = ["SourcePaths"]

_SUFFIX_LIMIT = 32
"""Directories of a recorded path that are tried below a source directory."""


class SourcePaths(msgspec.Struct, frozen=True):
    """Which file of this machine a path in debug information stands for.

    Recorded paths are those of the machine that compiled, or what
    ``-ffile-prefix-map`` made of them.
    """

    directories: tuple[Path, ...] = ()
    """Trees of sources, searched for ends of the path: the longest that is there."""
    substitutions: tuple[tuple[str, str], ...] = ()
    """(FROM, TO): a path that starts with FROM starts with TO instead; the first that
    fits, as gdb's ``set substitute-path``."""

    def chosen(self, file: str) -> Iterator[Path]:
        """The places that somebody asked for, most wanted first."""
        for start, replacement in self.substitutions:
            rest = _rest(file, start)
            if rest is not None:
                yield Path(replacement, *rest)
                break
        parts = [part for part in file.split("/") if part not in ("", ".", "..")]
        for directory in self.directories:
            for first in range(max(len(parts) - _SUFFIX_LIMIT, 0), len(parts)):
                yield directory.joinpath(*parts[first:])


def _rest(file: str, start: str) -> list[str] | None:
    """What follows whole directories ``start`` in ``file``, without ways up."""
    beginning = posixpath.normpath(start)
    path = posixpath.normpath(file)
    if beginning == ".":
        is_inside = not path.startswith("/")
        rest = path
    else:
        is_inside = path == beginning or path.startswith(beginning.rstrip("/") + "/")
        rest = path[len(beginning) :]
    parts = [part for part in rest.split("/") if part]
    return parts if is_inside and parts and ".." not in parts else None
