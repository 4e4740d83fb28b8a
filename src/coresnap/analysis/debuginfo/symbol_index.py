"""The build-ids of all files below a directory, remembered from run to run.

The index stands beside what it describes, in ``.coresnap-index``, or where that cannot
be written below the user's cache directory. It is JSON: relative path to size,
modification time and build-id. A file is opened again when size or time have changed;
what the index says is never believed without a look at the file.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from coresnap.elfcore.elffile import open_elf
from coresnap.errors import AccessError, InputError, MissingError

__all__ = ["INDEX_NAME", "SymbolIndex", "cache_home", "open_index"]

INDEX_NAME = ".coresnap-index"
FILE_LIMIT = 200_000
"""Files that are looked at below one directory."""
SECONDS = 30.0
"""How long one look at a directory may take; the rest is looked at the next time."""
_INDEX_LIMIT = 1 << 26
_DEPTH = 32
_SMALLEST = 64
"""Bytes of an ELF header: less cannot be one."""


class _Known(msgspec.Struct, frozen=True, array_like=True):
    size: int
    modified: int
    """Nanoseconds."""
    build_id: str | None


class _Stored(msgspec.Struct, frozen=True):
    version: int
    files: dict[str, _Known]


class SymbolIndex(msgspec.Struct):
    """Files of one directory by build-id."""

    directory: Path
    problem: str | None = None
    """Why there may be more than is listed."""
    files: dict[str, _Known] = msgspec.field(default_factory=dict)
    _by_build_id: dict[str, list[str]] | None = None

    def paths(self, build_id: str) -> Iterator[Path]:
        """Files with this build-id, in the order of their names."""
        if self._by_build_id is None:
            self._by_build_id = defaultdict(list)
            for name, known in sorted(self.files.items()):
                if known.build_id is not None:
                    self._by_build_id[known.build_id].append(name)
        for name in self._by_build_id.get(build_id, ()):
            yield self.directory / name


def cache_home() -> Path | None:
    """The user's directory for caches (XDG Base Directory); None if there is none."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if given.startswith("/"):
        return Path(given)
    home = os.environ.get("HOME", "")
    return Path(home, ".cache") if home.startswith("/") else None


def open_index(directory: Path) -> SymbolIndex:
    """Read what is remembered of ``directory``, and look at what has changed since."""
    remembered = _read(directory)
    index = SymbolIndex(directory)
    deadline = time.monotonic() + SECONDS
    for count, (name, status) in enumerate(_walk(directory)):
        if count >= FILE_LIMIT:
            index.problem = f"has more than {FILE_LIMIT} files: the rest is not known"
            break
        known = remembered.get(name)
        if known is None or (known.size, known.modified) != (
            status.st_size,
            status.st_mtime_ns,
        ):
            if time.monotonic() > deadline:
                index.problem = f"was not read to the end in {SECONDS:.0f} seconds"
                break
            build_id = _build_id(directory / name) if _may_be_elf(status) else None
            known = _Known(status.st_size, status.st_mtime_ns, build_id)
        index.files[name] = known
    if index.files != remembered:
        _write(index)
    return index


def _walk(directory: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Regular files below, by relative path; links and hidden names are left out."""
    waiting = [("", 0)]
    while waiting:
        below, depth = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(directory / below) as entries:
            for entry in entries:
                name = below + entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth < _DEPTH:
                        waiting.append((name + "/", depth + 1))
                elif entry.is_file(follow_symlinks=False):
                    yield name, entry.stat(follow_symlinks=False)


def _may_be_elf(status: os.stat_result) -> bool:
    return status.st_size >= _SMALLEST


def _build_id(path: Path) -> str | None:
    try:
        elf = open_elf(path)
    except (AccessError, InputError, MissingError):
        return None
    found = elf.build_id
    elf.release()
    return found


# --- on disk ----------------------------------------------------------------------


def _places(directory: Path) -> Iterator[Path]:
    import hashlib

    yield directory / INDEX_NAME
    home = cache_home()
    if home is not None:
        name = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:32]
        yield home / "coresnap" / "symbols" / f"{name}.json"


def _read(directory: Path) -> dict[str, _Known]:
    for place in _places(directory):
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            if place.stat().st_size > _INDEX_LIMIT:
                continue
            stored = msgspec.json.decode(place.read_bytes(), type=_Stored)
            if stored.version == 1:
                return stored.files
    return {}


def _write(index: SymbolIndex) -> None:
    try:
        data = msgspec.json.encode(_Stored(1, index.files))
    except UnicodeEncodeError:
        return  # a name that is no text: looked at each time
    for place in _places(index.directory):
        with contextlib.suppress(OSError):
            if place.name != INDEX_NAME:
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(place, data)
            return


def _replace(place: Path, data: bytes) -> None:
    """Write a file that is there as a whole or not at all."""
    import tempfile

    descriptor, temporary = tempfile.mkstemp(prefix=".coresnap-", dir=place.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
        os.replace(temporary, place)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
