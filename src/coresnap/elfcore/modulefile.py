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
    "Evidence",
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

Evidence = Callable[[ElfFile], bool | None]
"""Whether a file is the one that was mapped; None if nothing tells."""


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


class _Proof(msgspec.Struct, frozen=True, eq=False):
    """What the core holds of a module's file, best first."""

    image: ElfFile | None
    build_id: str | None
    is_right: Evidence | None

    def is_of(self, elf: ElfFile) -> bool | None:
        """Whether ``elf`` is that file; None if nothing tells."""
        if self.build_id is not None:
            return elf.build_id == self.build_id
        # Both have none, or the core lost it: the headers of another build differ.
        if self.image is not None:
            return _same_headers(elf, self.image)
        return self.is_right(elf) if self.is_right is not None else None

    def difference(self, build_id: str | None) -> str:
        """What to say of a file with ``build_id`` that is another."""
        if self.build_id is not None:
            return f"has build-id {build_id or 'none'}, the process had {self.build_id}"
        return "differs from what was mapped: another version"


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
        is_right: Evidence | None = None,
    ) -> FileChoice:
        """Choose for the module that was mapped from ``path``.

        ``image`` is its first page and ``build_id`` its note as the core holds them;
        ``explicit`` is the file that the user named for it. Where the core holds
        neither, ``is_right`` tells by what else it holds.
        """
        proof = _Proof(image, build_id, is_right)
        if explicit is None:
            return self._recorded(path, proof)
        given = self._check(explicit, proof)
        if given.elf is not None:
            return given
        recorded = self._recorded(path, proof).after(given)
        if recorded.elf is None:
            return msgspec.structs.replace(given, searches=recorded.searches)
        return msgspec.structs.replace(
            recorded, problem=f"{given.problem}; used {recorded.elf.path} instead"
        )

    def _recorded(self, path: bytes, proof: _Proof) -> FileChoice:
        kept = self._kept(path, proof)
        if kept is not None:
            return kept
        choice = self._at_path(path, proof)
        if choice.elf is not None or proof.build_id is None or self.stored is None:
            return choice
        for what, place in self.stored(proof.build_id):
            other = self._check(place, proof, what).after(choice)
            if other.elf is not None:
                return other
            choice = msgspec.structs.replace(choice, searches=other.searches)
        return choice

    def _at_path(self, path: bytes, proof: _Proof) -> FileChoice:
        deleted = path.endswith(_DELETED)
        name = path.removesuffix(_DELETED)
        if not name.startswith(b"/"):
            return FileChoice(None, None, "the core does not name its file")
        choice = self._check(self._below_sysroot(name), proof)
        if not deleted:
            return choice
        if choice.elf is not None and proof.build_id is not None:
            return msgspec.structs.replace(choice, problem=None)
        gone = "the file was deleted while the process ran"
        search = Search("executable", os.fsdecode(name), "deleted")
        if choice.searches and choice.elf is None:
            result = f"deleted; now: {choice.searches[-1].result}"
            search = Search("executable", choice.searches[-1].place, result)
        return FileChoice(None, choice.build_id, gone, searches=(search,))

    def _kept(self, path: bytes, proof: _Proof) -> FileChoice | None:
        file = self.kept.find(path, proof.build_id)
        if file is None:
            return None
        choice = self._check(file.place, proof)
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
        proof: _Proof,
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
        is_same, problem = proof.is_of(elf), None
        if self._is_for_another(elf) or is_same is False:
            mismatch = proof.difference(found)
            if self._is_for_another(elf):
                mismatch = "is for another machine"
            return refused(mismatch, f"{path} {mismatch}", found)
        if is_same is None:
            problem = (
                f"the core does not hold the build-id: {path} may be another version"
            )
        search = Search(what, str(path), "used")
        return FileChoice(elf, found, problem, searches=(search,))

    def _is_for_another(self, elf: ElfFile) -> bool:
        header = elf.header
        key = (header.machine, header.pointer_size)
        return key != (self.machine, self.pointer_size)


def _same_headers(elf: ElfFile, image: ElfFile) -> bool:
    header = image.header
    end = header.phoff + header.phnum * header.phentsize
    mapped = image.data[:end]
    return elf.data[: len(mapped)] == mapped
