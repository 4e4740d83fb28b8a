"""What savecore(8) keeps in a directory: dumps of the kernel, by number.

``sbin/savecore/savecore.c``: ``vmcore.N`` with what it is compressed with behind, or
``textdump.tar.N``; ``info.N`` beside it; names with ``.last`` are links to the newest;
``bounds`` holds the number that the next one gets.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import attrs

from coresnap.collect.temporary_file import storage_error
from coresnap.errors import MissingError

__all__ = ["KernelDump", "find_dump", "kernel_dumps"]

_DUMP = re.compile(
    r"(?P<kind>vmcore|textdump\.tar|info|vmcore_encrypted)\.(?P<number>[0-9]{1,9})"
    r"(?:\.(?:gz|zst))?"
)
_RANKS = ("vmcore", "textdump.tar", "info")
"""What tells most first. An encrypted dump tells what its info says."""


@attrs.frozen
class KernelDump:
    """One dump of a directory."""

    number: int
    path: Path
    """What tells most of it: ``info.N`` where nothing else can be read."""

    @property
    def info(self) -> Path:
        """What savecore(8) wrote beside it."""
        return self.path.with_name(f"info.{self.number}")

    @property
    def report(self) -> Path:
        """Where crashinfo(8) puts its summary."""
        return self.path.with_name(f"core.txt.{self.number}")


def kernel_dumps(directory: Path) -> list[KernelDump]:
    """Return the dumps in ``directory``, the oldest number first.

    Raises MissingError, AccessError or StorageError if it cannot be listed.
    """
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError as error:
        raise MissingError(
            f"there is no directory {directory}",
            remedy="`-d` names the one that savecore(8) writes to.",
        ) from error
    except OSError as error:
        raise storage_error(f"cannot list {directory}", error) from error
    best: dict[int, tuple[int, str]] = {}
    for name in names:
        match = _DUMP.fullmatch(name)
        if match is None or match["kind"] not in _RANKS:
            continue
        number, rank = int(match["number"]), _RANKS.index(match["kind"])
        if number not in best or rank < best[number][0]:
            best[number] = rank, name
    return [KernelDump(n, directory / name) for n, (_, name) in sorted(best.items())]


def find_dump(directory: Path, number: int | None = None) -> KernelDump:
    """Return the dump with ``number``, or the newest by its file's time.

    Raises MissingError if there is none, and what ``kernel_dumps`` raises.
    """
    dumps = kernel_dumps(directory)
    if number is not None:
        dumps = [dump for dump in dumps if dump.number == number]
    if not dumps:
        which = "no kernel dump" if number is None else f"no kernel dump {number}"
        raise MissingError(
            f"there is {which} in {directory}",
            remedy="dumpon(8) and savecore(8) say what it takes to have one.",
        )
    return max(dumps, key=lambda dump: (_time(dump.path), dump.number))


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
