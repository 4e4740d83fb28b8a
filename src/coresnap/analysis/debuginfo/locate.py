"""Finding the file with a module's debug information.

In this order, the first that fits wins:

1. the module's own file;
2. ``.build-id/xx/yyyy.debug`` below each debug directory;
3. the name in ``.gnu_debuglink``: beside the module, in ``.debug`` there, and below
   each debug directory.

A separate file fits if its build-id is the module's, or, where there are none, if its
CRC-32 is the one that the debuglink records. A file that is there but does not fit is
reported with the reason, never used.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.dwarf import DebugFile, open_debug_file, unavailable
from coresnap.elfcore.elffile import open_elf
from coresnap.errors import AccessError, InputError, MissingError

__all__ = ["Located", "debug_directories_of", "locate"]

_SYSTEM_DIRECTORY = "usr/lib/debug"
_UNREADABLE = (AccessError, InputError, MissingError)
_CHUNK = 1 << 20


class Located(msgspec.Struct, frozen=True, eq=False):
    """The debug file of one module, or why there is none."""

    file: DebugFile | None
    looked_at: tuple[str, ...]
    """What was looked for and not used, each with the reason."""

    @property
    def problem(self) -> str | None:
        """One line for people; None if a file was found."""
        if self.file is not None:
            return None
        return "no debug information: " + "; ".join(dict.fromkeys(self.looked_at))


def debug_directories_of(
    given: Sequence[Path], sysroot: Path | None
) -> tuple[Path, ...]:
    """The given directories, then the system's own below ``sysroot``."""
    return (*given, (sysroot or Path("/")) / _SYSTEM_DIRECTORY)


def locate(
    module_file: Path | None, build_id: str | None, directories: Sequence[Path]
) -> Located:
    """Open the debug file of a module.

    ``module_file`` is the local file that was found to fit the module, ``build_id``
    the module's as the core has it. Never raises for what it finds on disk.
    """
    reason = unavailable()
    if reason is not None:
        return Located(None, (reason,))
    search = _Search(build_id)
    debug_link = None
    if module_file is not None:
        found = search.open(module_file)
        if found is not None:
            return Located(found, tuple(search.looked_at))
        debug_link = search.debug_link(module_file)
    candidates = (
        *_by_build_id(build_id, directories),
        *_by_debug_link(module_file, debug_link, directories),
    )
    for candidate in candidates:
        found = search.open_separate(candidate)
        if found is not None:
            return Located(found, tuple(search.looked_at))
    return Located(None, tuple(search.looked_at))


class _Candidate(msgspec.Struct, frozen=True):
    path: Path
    absent: str
    """What to say if it is not there."""
    crc: int | None = None
    """CRC-32 that it must have if it has no build-id."""


def _by_build_id(
    build_id: str | None, directories: Sequence[Path]
) -> Iterator[_Candidate]:
    if build_id is None or len(build_id) < 3:
        return
    name = f"{build_id[2:]}.debug"
    for directory in directories:
        path = directory / ".build-id" / build_id[:2] / name
        yield _Candidate(path, f"{directory} has nothing for it")


def _by_debug_link(
    module_file: Path | None,
    debug_link: tuple[str, int] | None,
    directories: Sequence[Path],
) -> Iterator[_Candidate]:
    # A name with a slash would lead out of the directories.
    if module_file is None or debug_link is None or "/" in debug_link[0]:
        return
    name, crc = debug_link
    beside = module_file.resolve().parent
    below = beside.relative_to(beside.anchor)
    for place in (beside, beside / ".debug", *(d / below for d in directories)):
        yield _Candidate(place / name, f"no {name} beside it or there", crc)


class _Search:
    """Opens candidates and remembers why it did not take them."""

    def __init__(self, build_id: str | None) -> None:
        self._build_id = build_id
        self.looked_at: list[str] = []

    def open(self, path: Path) -> DebugFile | None:
        """The file, if libdw finds compile units in it."""
        try:
            file = open_debug_file(path)
        except _UNREADABLE as error:
            self.looked_at.append(str(error))
            return None
        if file.has_units():
            return file
        file.close()
        self.looked_at.append(f"{path} has no debug information")
        return None

    def debug_link(self, path: Path) -> tuple[str, int] | None:
        """Name and CRC of the separate file, if the module's file names one."""
        try:
            return open_elf(path).debug_link
        except _UNREADABLE:
            return None  # open() has said why

    def open_separate(self, candidate: _Candidate) -> DebugFile | None:
        """A separate debug file, if it belongs to the module."""
        path = candidate.path
        try:
            if not path.is_file():
                self.looked_at.append(candidate.absent)
                return None
            problem = self._mismatch(path, candidate.crc)
        except _UNREADABLE as error:
            problem = str(error)
        except OSError as error:
            problem = f"cannot read {path}: {error.strerror}"
        if problem is not None:
            self.looked_at.append(problem)
            return None
        return self.open(path)

    def _mismatch(self, path: Path, crc: int | None) -> str | None:
        own = open_elf(path).build_id
        if own is not None and self._build_id is not None:
            if own == self._build_id:
                return None
            return f"{path} has build-id {own}, the module {self._build_id}"
        if crc is None:
            return None if own is not None else f"{path} has no build-id"
        if _file_crc(path) == crc:
            return None
        return f"{path} has not the CRC of the debuglink"


def _file_crc(path: Path) -> int:
    """The CRC-32 that .gnu_debuglink records (GDB manual, "Separate Debug Files")."""
    crc = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc
