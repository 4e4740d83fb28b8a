"""The dumps that savecore(8) keeps in ``/var/crash``, and which of them is the newest.

``sbin/savecore/savecore.c``: each has a number; ``bounds`` says the next one, which
begins again at 0 with ``-m``. The ``*.last`` names are links to the newest.
"""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

import msgspec

from coresnap.elfcore.elffile import map_file
from coresnap.errors import AccessError, InputError, MissingError

__all__ = ["SavedDump", "saved_dumps"]

_ENTRIES_LIMIT = 1 << 16
_NAME = re.compile(
    r"(?P<kind>info|vmcore|vmcore_encrypted|textdump\.tar)"
    r"\.(?P<number>[0-9]{1,9})(?:\.(?:gz|zst))?"
)


class SavedDump(msgspec.Struct, frozen=True):
    """The files of one number. At least one of the two is there."""

    number: int
    dump: Path | None
    """``vmcore.N``, ``vmcore_encrypted.N`` or ``textdump.tar.N``, perhaps packed."""
    info: Path | None
    """``info.N``."""


def saved_dumps(directory: str | os.PathLike[str]) -> tuple[SavedDump, ...]:
    """Return the dumps of a directory, the newest last.

    Raises ``MissingError``, ``AccessError`` or ``InputError`` if it cannot be listed.
    """
    files: dict[int, dict[str, Path]] = {}
    for name in sorted(_names(directory)):
        if found := _NAME.fullmatch(name):
            kind = "info" if found["kind"] == "info" else "dump"
            number = int(found["number"])
            files.setdefault(number, {}).setdefault(kind, Path(directory, name))
    following = _bounds(directory)
    # Numbers from `bounds` on are of the round before, if it has begun again.
    order = sorted(files, key=lambda n: (following is None or n < following, n))
    return tuple(
        SavedDump(number, files[number].get("dump"), files[number].get("info"))
        for number in order
    )


def _names(directory: str | os.PathLike[str]) -> list[str]:
    name = os.fsdecode(directory)
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in islice(entries, _ENTRIES_LIMIT)]
    except FileNotFoundError as error:
        raise MissingError(f"{name}: no such directory") from error
    except PermissionError as error:
        raise AccessError(f"{name}: {error.strerror}") from error
    except OSError as error:
        raise InputError(f"{name} cannot be listed: {error.strerror}") from error


def _bounds(directory: str | os.PathLike[str]) -> int | None:
    """The number that the next dump will have; None if nothing says it."""
    try:
        text = bytes(map_file(Path(directory, "bounds"))[:16]).strip()
    except (MissingError, InputError, AccessError):
        return None
    return int(text) if re.fullmatch(rb"[0-9]{1,9}", text) else None
