"""Finding the file with a module's debug information.

In this order, the first that fits wins:

1. the module's own file;
2. ``.build-id/xx/yyyy.debug`` below each debug directory;
3. the name in ``.gnu_debuglink``: beside the module, in ``.debug`` there, and below
   each debug directory;
4. the symbol directories, among them what debuginfod's clients have fetched.

A separate file fits if its build-id is the module's, or, where there are none, if its
CRC-32 is the one that the debuglink records. A file that is there but does not fit is
reported with the reason, never used.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.alternate import attach_alternate
from coresnap.analysis.debuginfo.debug_cache import DebugCache
from coresnap.analysis.debuginfo.dwarf import DebugFile, open_debug_file
from coresnap.analysis.debuginfo.libdw_file import unavailable
from coresnap.analysis.debuginfo.search_log import NOT_THERE, USED, SearchLog
from coresnap.analysis.debuginfo.symbol_directory import (
    SymbolDirectory,
    build_id_path,
    is_build_id,
)
from coresnap.elfcore.elffile import ElfFile, open_elf
from coresnap.errors import AccessError, InputError, MissingError
from coresnap.model import Search

__all__ = ["DebugPlaces", "Located", "debug_directories_of", "locate"]

_SYSTEM_DIRECTORY = "usr/lib/debug"
_UNREADABLE = (AccessError, InputError, MissingError)
_NOTHING = "has no debug information"
_NO_DWARF = {"no DWARF information": _NOTHING}
"""libdw's words for it."""
_CHUNK = 1 << 20


class DebugPlaces(msgspec.Struct, frozen=True):
    """Where separate debug files are looked for."""

    directories: tuple[Path, ...] = ()
    """With a ``.build-id``, and the paths of modules below."""
    symbols: tuple[SymbolDirectory, ...] = ()
    sysroot: Path | None = None
    """Put before absolute paths that files record."""
    cache: DebugCache | None = None
    """Of debug sections that were decompressed before."""

    def build_id_candidates(self, build_id: str | None) -> Iterator[tuple[str, Path]]:
        """Where the debug information of a build-id may be."""
        if build_id is None or not is_build_id(build_id):
            return
        for directory in self.directories:
            yield "build-id", directory / build_id_path(build_id, "debuginfo")
        for symbols in self.symbols:
            for path in symbols.candidates(build_id, "debuginfo"):
                yield symbols.what, path


class Located(msgspec.Struct, frozen=True, eq=False):
    """The debug file of one module, or why there is none."""

    file: DebugFile | None
    log: SearchLog
    """What was looked for; what is split is looked for later."""
    unavailable: str | None = None
    """Why no file can be read at all."""
    alternate_build_id: str | None = None
    """Of a file that it refers to and that was not found."""

    @property
    def searches(self) -> tuple[Search, ...]:
        """What was looked for, in order."""
        return self.log.all()

    @property
    def problem(self) -> str | None:
        """One line for people; None if all was found."""
        if self.file is not None:
            if self.alternate_build_id is None:
                return None
            shared = f"the file with build-id {self.alternate_build_id}"
            return (
                f"{shared}, which it shares with others, is not here: names are missing"
            )
        if self.unavailable is not None:
            return f"no debug information: {self.unavailable}"
        return self.log.problem()


def debug_directories_of(
    given: Sequence[Path], sysroot: Path | None
) -> tuple[Path, ...]:
    """The given directories, then the system's own below ``sysroot``."""
    return (*given, (sysroot or Path("/")) / _SYSTEM_DIRECTORY)


def locate(
    module_file: Path | None,
    build_id: str | None,
    places: DebugPlaces,
    earlier: Sequence[Search] = (),
) -> Located:
    """Open the debug file of a module, and the file that it shares with others.

    ``module_file`` is the local file that was found to fit the module, ``build_id``
    the module's as the core has it, ``earlier`` how the module's file was looked for.
    Never raises for what it finds on disk.
    """
    log = SearchLog(list(earlier))
    reason = unavailable()
    if reason is not None:
        return Located(None, log, reason)
    file = _Search(build_id, log, places.cache).find(module_file, places)
    if file is None:
        return Located(None, log)
    missing = _attach(file, module_file, places, log)
    return Located(file, log, alternate_build_id=missing)


def _attach(
    file: DebugFile, module_file: Path | None, places: DebugPlaces, log: SearchLog
) -> str | None:
    """Let a debug file read others; the build-id of a shared one that is missing."""
    try:
        elf = open_elf(file.path)
    except _UNREADABLE:
        return None  # libdw has just read it: it went away
    # Every unit's code is named through it, where the rest of the unit is elsewhere.
    if elf.section(".debug_addr") or elf.section(".zdebug_addr"):
        # Not before: few programs are built so.
        from coresnap.analysis.debuginfo.split import SplitPlaces, attach_splits

        own = dict.fromkeys(path for path in (module_file, file.path) if path)
        directories = tuple(s.path for s in places.symbols if s.is_indexed)
        attach_splits(file, SplitPlaces(tuple(own), directories, places.sysroot), log)
    return attach_alternate(
        file,
        elf.alternate_link,
        places.build_id_candidates,
        places.sysroot,
        log,
        places.cache,
    )


class _Candidate(msgspec.Struct, frozen=True):
    what: str
    path: Path
    crc: int | None = None
    """CRC-32 that it must have if it has no build-id."""


def _by_debug_link(
    module_file: Path, elf: ElfFile | None, places: DebugPlaces
) -> Iterator[_Candidate]:
    link = None if elf is None else elf.debug_link
    # A name with a slash would lead out of the directories.
    if link is None or "/" in link[0]:
        return
    name, crc = link
    beside = module_file.resolve().parent
    root = Path(beside.anchor)
    if places.sysroot is not None and beside.is_relative_to(places.sysroot.resolve()):
        root = places.sysroot.resolve()
    below = beside.relative_to(root)
    directories = (directory / below for directory in places.directories)
    for place in (beside, beside / ".debug", *directories):
        yield _Candidate("debug-link", place / name, crc)


class _Search(msgspec.Struct, frozen=True):
    """Opens candidates and notes why it did not take them."""

    build_id: str | None
    log: SearchLog
    cache: DebugCache | None

    def find(self, module_file: Path | None, places: DebugPlaces) -> DebugFile | None:
        """The first file that fits and has debug information."""
        if module_file is not None:
            own = self.open("executable", module_file, is_own=True)
            if own is not None:
                return own
        for candidate in self._candidates(module_file, places):
            found = self.open_separate(candidate)
            if found is not None:
                return found
        return None

    def _candidates(
        self, module_file: Path | None, places: DebugPlaces
    ) -> Iterator[_Candidate]:
        for directory in places.directories:
            if self.build_id is not None and is_build_id(self.build_id):
                below = build_id_path(self.build_id, "debuginfo")
                yield _Candidate("build-id", directory / below)
        if module_file is not None:
            elf = self._elf(module_file)
            yield from _by_debug_link(module_file, elf, places)
        if self.build_id is not None:
            for symbols in places.symbols:
                for path in symbols.candidates(self.build_id, "debuginfo"):
                    if path != module_file:
                        yield _Candidate(symbols.what, path)

    def _elf(self, path: Path) -> ElfFile | None:
        try:
            return open_elf(path)
        except _UNREADABLE:
            return None  # open() has said why

    def open(self, what: str, path: Path, *, is_own: bool = False) -> DebugFile | None:
        """The file, if libdw finds compile units in it."""
        try:
            file = open_debug_file(path, self.cache)
        except _UNREADABLE as error:
            reason = _reason(error, path)
            self.log.add(what, path, _NO_DWARF.get(reason, reason))
            return None
        if file.has_units():
            if not is_own:
                self.log.add(what, path, USED)
            return file
        file.close()
        self.log.add(what, path, _NOTHING)
        return None

    def open_separate(self, candidate: _Candidate) -> DebugFile | None:
        """A separate debug file, if it belongs to the module."""
        path = candidate.path
        try:
            if not path.is_file():
                self.log.add(candidate.what, path, NOT_THERE)
                return None
            problem = self._mismatch(path, candidate.crc)
        except _UNREADABLE as error:
            problem = _reason(error, path)
        except OSError as error:
            problem = f"cannot be read: {error.strerror}"
        if problem is not None:
            self.log.add(candidate.what, path, problem)
            return None
        return self.open(candidate.what, path)

    def _mismatch(self, path: Path, crc: int | None) -> str | None:
        own = open_elf(path).build_id
        if own is not None and self.build_id is not None:
            if own == self.build_id:
                return None
            return f"has build-id {own}, the module {self.build_id}"
        if crc is None:
            return None if own is not None else "has no build-id"
        if _file_crc(path) == crc:
            return None
        return "has not the CRC of the debuglink"


def _reason(error: Exception, path: Path) -> str:
    text = str(error)
    for beginning in (f"cannot read {path}: ", f"{path}: ", f"{path} "):
        if text.startswith(beginning):
            rest = text.removeprefix(beginning)
            is_access = isinstance(error, AccessError)
            return f"cannot be read: {rest}" if is_access else rest
    return text


def _file_crc(path: Path) -> int:
    """The CRC-32 that .gnu_debuglink records (GDB manual, "Separate Debug Files")."""
    crc = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc
