"""Finds the local file of a module, and makes sure that it is the one that ran.

In this order: the file that the user named, a copy that came with the core, the path
that the core records, files that are stored by build-id.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from coresnap.elfcore.elffile import ElfFile, open_elf
from coresnap.errors import AccessError, InputError, MissingError
from coresnap.model import Search

__all__ = [
    "FileChoice",
    "FileFinder",
    "KeptFile",
    "KeptFiles",
    "StoredFiles",
    "index_kept",
]

_DELETED = b" (deleted)"

StoredFiles = Callable[[str], Iterator[tuple[str, Path]]]
"""Where a file with a build-id may be stored: how that is searched (``Search.what``)
and the path, whether anything is there or not."""


class FileChoice(msgspec.Struct, frozen=True, eq=False):
    """The file to use, if any, and what is wrong with it or its absence."""

    elf: ElfFile | None
    build_id: str | None = None
    """Of the file that was looked at, used or not."""
    problem: str | None = None
    kept_as: str | None = None
    """What to call the file if it is a copy that came with the core."""
    searches: tuple[Search, ...] = ()
    """What was looked for, in order."""

    def after(self, earlier: FileChoice) -> FileChoice:
        """The same choice, made after ``earlier`` did not do."""
        searches = (*earlier.searches, *self.searches)
        return msgspec.structs.replace(self, searches=searches)


class KeptFile(msgspec.Struct, frozen=True):
    """A copy of a module's file that came with the core."""

    place: Path
    """Where it can be opened."""
    name: str
    """What people are told instead."""
    path: bytes
    """What the process had mapped it as."""


class KeptFiles(msgspec.Struct, frozen=True):
    """Copies by build-id, and by path for those whose build-id nobody knows."""

    by_build_id: Mapping[str, KeptFile] = {}
    by_path: Mapping[bytes, KeptFile] = {}

    def find(self, path: bytes, build_id: str | None) -> KeptFile | None:
        """The copy of a module, if there is one."""
        if build_id is not None:
            return self.by_build_id.get(build_id)
        return self.by_path.get(path)


def index_kept(files: Iterable[KeptFile]) -> KeptFiles:
    """Look into copies for their build-ids; what is no ELF file is left out."""
    by_build_id: dict[str, KeptFile] = {}
    by_path: dict[bytes, KeptFile] = {}
    for file in files:
        try:
            elf = open_elf(file.place)
        except (AccessError, InputError, MissingError):
            continue
        by_path[file.path] = file
        if elf.build_id is not None:
            by_build_id[elf.build_id] = file
        elf.release()
    return KeptFiles(by_build_id, by_path)


class FileFinder(msgspec.Struct, frozen=True, eq=False):
    """Opens module files: copies that came with the core, then those below ``sysroot``,
    then those that ``stored`` finds.

    ``machine`` and ``pointer_size`` are the core's: files of others are refused.
    """

    machine: int
    pointer_size: int
    sysroot: Path | None = None
    kept: KeptFiles = KeptFiles()
    stored: StoredFiles | None = None

    def find(
        self,
        path: bytes,
        image: ElfFile | None,
        build_id: str | None,
        explicit: Path | None = None,
    ) -> FileChoice:
        """Choose for the module that was mapped from ``path``.

        ``image`` is its first page and ``build_id`` its note as the core holds them;
        ``explicit`` is the file that the user named for it.
        """
        if explicit is None:
            return self._recorded(path, image, build_id)
        given = self._check(explicit, image, build_id)
        if given.elf is not None:
            return given
        recorded = self._recorded(path, image, build_id).after(given)
        if recorded.elf is None:
            return msgspec.structs.replace(given, searches=recorded.searches)
        return msgspec.structs.replace(
            recorded, problem=f"{given.problem}; used {recorded.elf.path} instead"
        )

    def _recorded(
        self, path: bytes, image: ElfFile | None, build_id: str | None
    ) -> FileChoice:
        kept = self._kept(path, image, build_id)
        if kept is not None:
            return kept
        choice = self._at_path(path, image, build_id)
        if choice.elf is not None or build_id is None or self.stored is None:
            return choice
        for what, place in self.stored(build_id):
            other = self._check(place, image, build_id, what).after(choice)
            if other.elf is not None:
                return other
            choice = msgspec.structs.replace(choice, searches=other.searches)
        return choice

    def _at_path(
        self, path: bytes, image: ElfFile | None, build_id: str | None
    ) -> FileChoice:
        deleted = path.endswith(_DELETED)
        name = path.removesuffix(_DELETED)
        if not name.startswith(b"/"):
            return FileChoice(None, None, "the core does not name its file")
        choice = self._check(self._below_sysroot(name), image, build_id)
        if not deleted:
            return choice
        if choice.elf is not None and build_id is not None:
            return msgspec.structs.replace(choice, problem=None)
        gone = "the file was deleted while the process ran"
        search = Search("executable", os.fsdecode(name), "deleted")
        if choice.searches and choice.elf is None:
            result = f"deleted; now: {choice.searches[-1].result}"
            search = Search("executable", choice.searches[-1].place, result)
        return FileChoice(None, choice.build_id, gone, searches=(search,))

    def _kept(
        self, path: bytes, image: ElfFile | None, build_id: str | None
    ) -> FileChoice | None:
        file = self.kept.find(path, build_id)
        if file is None:
            return None
        choice = self._check(file.place, image, build_id)
        if choice.elf is None:
            return None
        # Taken from the process itself: it cannot be another version.
        return msgspec.structs.replace(
            choice,
            problem=None,
            kept_as=file.name,
            searches=(Search("executable", file.name, "used"),),
        )

    def _below_sysroot(self, name: bytes) -> Path:
        path = os.fsdecode(name)
        if self.sysroot is None:
            return Path(path)
        # A recorded path may hold "..": it stays below the sysroot all the same.
        return self.sysroot / os.path.normpath(path).lstrip("/")

    def _check(
        self,
        path: Path,
        image: ElfFile | None,
        build_id: str | None,
        what: str = "executable",
    ) -> FileChoice:
        def refused(result: str, problem: str, found: str | None = None) -> FileChoice:
            search = Search(what, str(path), result)
            return FileChoice(None, found, problem, searches=(search,))

        try:
            elf = open_elf(path)
        except MissingError:
            return refused("not there", f"{path} is not here")
        except AccessError as error:
            reason = str(error).removeprefix(f"{path}: ")
            return refused(f"cannot be read: {reason}", f"cannot read {error}")
        except InputError as error:
            return refused(str(error).removeprefix(f"{path} "), str(error))
        found = elf.build_id
        mismatch = self._mismatch(elf, image, build_id, found)
        if mismatch is not None:
            return refused(mismatch, f"{path} {mismatch}", found)
        problem = None
        if build_id is None and image is None:
            problem = (
                f"the core does not hold the build-id: {path} may be another version"
            )
        search = Search(what, str(path), "used")
        return FileChoice(elf, found, problem, searches=(search,))

    def _mismatch(
        self,
        elf: ElfFile,
        image: ElfFile | None,
        build_id: str | None,
        found: str | None,
    ) -> str | None:
        header = elf.header
        if (header.machine, header.pointer_size) != (self.machine, self.pointer_size):
            return "is for another machine"
        if build_id is not None and found != build_id:
            return f"has build-id {found or 'none'}, the process had {build_id}"
        # Both have none, or the core lost it: the headers of another build differ.
        if build_id is None and image is not None and not _same_headers(elf, image):
            return "differs from what was mapped: another version"
        return None


def _same_headers(elf: ElfFile, image: ElfFile) -> bool:
    header = image.header
    end = header.phoff + header.phnum * header.phentsize
    mapped = image.data[:end]
    return elf.data[: len(mapped)] == mapped
