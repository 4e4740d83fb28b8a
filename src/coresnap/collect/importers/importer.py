"""Imports cores from wherever they are: files, directories, other handlers' stores."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from coresnap.collect.importers.apport import is_report, read_report
from coresnap.collect.importers.intake import CoreSource, Taken, take_core
from coresnap.collect.importers.journal_entry import JournalCrash, read_crashes
from coresnap.collect.importers.pieces import Stream
from coresnap.collect.importers.source_file import SourceFile, open_source
from coresnap.collect.importers.story import Story
from coresnap.collect.importers.systemd import is_stored_by_systemd, read_story
from coresnap.collect.importers.unpacking import compression_of, unpack
from coresnap.collect.spool import Spool, storage_error
from coresnap.config import Config
from coresnap.errors import (
    CoreFormatError,
    CoresnapError,
    InputError,
    MissingError,
    UsageError,
)

__all__ = ["FORMATS", "Importer", "Result", "files_in"]

FORMATS = ("auto", "core", "directory", "systemd", "apport", "journal")
_START_SIZE = 4096


@attrs.frozen
class Result:
    """What became of one core, or of a file without one."""

    name: str
    """The file, and which crash in it if there are several."""
    format: str
    """One of FORMATS; ``auto`` where that could not be told."""
    taken: Taken | None = None
    problem: CoresnapError | None = None
    is_skipped: bool = False
    """A file of a directory that is no core: nobody asked for it."""


@attrs.frozen
class Importer:
    """Takes cores into one spool."""

    spool: Spool
    config: Config
    format: str = "auto"
    begin: Callable[[str], object] = lambda name: None
    """Called with the name of each file before it is read."""

    def take(self, path: Path) -> Iterator[Result]:
        """Import what ``path`` holds, and yield what became of each core.

        A core that cannot be imported is a result with its problem; the others go on.
        """
        try:
            is_directory = path.is_dir() and not path.is_symlink()
            if self.format == "directory" and not is_directory:
                raise UsageError(f"{path} is not a directory")
            files = files_in(path) if is_directory else [path]
        except CoresnapError as error:
            yield Result(str(path), self.format, problem=error)
            return
        for file in files:
            yield from self.take_file(file, is_named=not is_directory)

    def take_file(self, path: Path, *, is_named: bool = True) -> Iterator[Result]:
        """Import one file; in a directory a file that is no core is only skipped."""
        self.begin(str(path))
        found = self.format if self.format != "directory" else "auto"
        try:
            with open_source(path) as source:
                if found == "auto":
                    found = _format_of(source)
                if found == "journal":
                    yield from self._take_journal(source)
                else:
                    yield self._take_one(source, found)
        except CoresnapError as error:
            is_skipped = not is_named and isinstance(error, InputError)
            yield Result(str(path), found, problem=error, is_skipped=is_skipped)

    def _take_one(self, source: SourceFile, found: str) -> Result:
        if found == "apport":
            story, stream = read_report(source, self.config.environ_allow)
        else:
            story = read_story(source) if found == "systemd" else Story()
            stream = _stream(source)
        name = str(source.path)
        return Result(name, found, self._take_core(source, name, found, story, stream))

    def _take_core(
        self, source: SourceFile, name: str, found: str, story: Story, stream: Stream
    ) -> Taken:
        core = CoreSource(
            name=name,
            path=source.path,
            format=found,
            time=source.status.st_mtime_ns,
            story=story,
            stream=stream,
            require_unchanged=source.require_unchanged,
        )
        return take_core(self.spool, core, self.config)

    def _take_journal(self, source: SourceFile) -> Iterator[Result]:
        count = 0
        for crash in read_crashes(source, self.config.environ_allow):
            count += 1
            name = f"{source.path}: process {crash.story.pid}"
            self.begin(name)
            try:
                yield Result(name, "journal", self._take_crash(source, name, crash))
            except CoresnapError as error:
                yield Result(name, "journal", problem=error)
        if not count:
            raise InputError(f"{source.path}: these entries tell of no crash")

    def _take_crash(self, export: SourceFile, name: str, crash: JournalCrash) -> Taken:
        if crash.inline is not None:
            offset, size = crash.inline
            stream = Stream(export.pieces(offset, size))
            return self._take_core(export, name, "journal", crash.story, stream)
        with open_source(_core_of(crash, export.path, name)) as source:
            # What the journal does not say, the file may.
            told = attrs.asdict(crash.story, recurse=False)
            known = {key: value for key, value in told.items() if value is not None}
            story = attrs.evolve(read_story(source), **known)
            return self._take_core(source, name, "journal", story, _stream(source))


def files_in(directory: Path) -> list[Path]:
    """Return the plain files of a directory by name, without what is below it.

    Names that begin with a dot are left out: systemd gives them to what it still
    writes. Raises AccessError or StorageError.
    """
    try:
        with os.scandir(directory) as entries:
            names = [
                entry.name
                for entry in entries
                if entry.is_file(follow_symlinks=False) and entry.name[:1] != "."
            ]
    except OSError as error:
        raise storage_error(f"cannot list {directory}", error) from error
    return [directory / name for name in sorted(names)]


def _format_of(source: SourceFile) -> str:
    start = source.start(_START_SIZE)
    if _is_of_a_kernel(start):
        raise InputError(
            f"{source.path} is a dump of a kernel",
            remedy="`coresnap crashinfo` reads it, and keeps what it says.",
        )
    if start[:4] == b"\x7fELF" or compression_of(start) is not None:
        return "systemd" if is_stored_by_systemd(source) else "core"
    if is_report(start):
        return "apport"
    first = start.partition(b"\n")[0]
    if b"COREDUMP" in start or first.startswith((b"__CURSOR", b'{"')):
        return "journal"
    raise CoreFormatError(
        f"{source.path} is empty"
        if not start
        else f"{source.path} is neither a core nor a report that holds one",
        remedy="`--from` says what it is where that cannot be told.",
    )


def _is_of_a_kernel(start: bytes) -> bool:
    """Minidumps, and full dumps, which are ELF without a system (EI_OSABI 255)."""
    is_full = start[:4] == b"\x7fELF" and start[7:8] == b"\xff"
    return is_full or start.startswith(b"minidump FreeBSD/")


def _stream(source: SourceFile) -> Stream:
    compression = compression_of(source.start(_START_SIZE))
    if compression is None:
        return Stream(source.pieces())
    return unpack(source.chunks(), compression, str(source.path))


def _core_of(crash: JournalCrash, export: Path, name: str) -> Path:
    """Find the core's file: where it was stored, else beside the export."""
    if crash.file is None:
        raise MissingError(
            f"{name}: the journal does not say where the core is",
            remedy="systemd-coredump stored none: coredump.conf(5) says when.",
        )
    for file in (crash.file, export.parent / crash.file.name):
        with contextlib.suppress(OSError):
            if file.is_absolute() and file.exists():
                return file
            if not file.is_absolute() and (export.parent / file).exists():
                return export.parent / file
    raise MissingError(
        f"{name}: no core at {crash.file}",
        remedy="Put the core beside the export, under the same name.",
    )
