"""Finding split units: .dwo files, and packages of them.

Each unit is looked for when a frame stands in it, or its types are asked for. libdw is
then told the one place where it is (``DebugFile.use_splits``): it would itself open
whatever stands at the recorded path.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.libdw_file import open_descriptor
from coresnap.analysis.debuginfo.search_log import NOT_THERE, USED, SearchLog
from coresnap.analysis.debuginfo.split_package import SplitPackage, open_package
from coresnap.analysis.debuginfo.split_units import Link, SplitUnit
from coresnap.elfcore.elffile import SHF_COMPRESSED, open_elf
from coresnap.elfcore.elfwriter import anonymous_file, write_sections
from coresnap.errors import AccessError, InputError, MissingError

__all__ = ["SplitPlaces", "attach_splits"]

_WHAT = "split"
_UNREADABLE = (AccessError, InputError, MissingError)


class SplitPlaces(msgspec.Struct, frozen=True):
    """Where split units may be."""

    files: tuple[Path, ...]
    """The executable or library, and its debug file."""
    directories: tuple[Path, ...] = ()
    """Symbol directories."""
    sysroot: Path | None = None

    def units(self, skeleton: SplitUnit) -> Iterator[Path]:
        """Paths of a .dwo file, the recorded one first."""
        name = skeleton.name
        if not name or "\0" in name:
            return
        recorded = os.path.join(skeleton.directory or "/", name)
        below = os.path.normpath("/" + recorded).lstrip("/")
        yield Path(recorded) if self.sysroot is None else self.sysroot / below
        base = os.path.basename(name)
        beside = [file.resolve().parent for file in self.files]
        for directory in dict.fromkeys(beside):
            if not name.startswith("/"):
                yield directory / name
            yield directory / base
        for directory in self.directories:
            yield directory / below
            yield directory / base

    def packages(self) -> Iterator[Path]:
        """Paths of a .dwp file."""
        for file in self.files:
            own = file.resolve()
            yield own.with_name(own.name + ".dwp")
            yield own.with_suffix(".dwp")
        for directory in self.directories:
            for file in self.files:
                yield directory / (file.name + ".dwp")
                yield directory / (file.stem + ".dwp")


class _SplitFinder:
    """Finds the split units of one module."""

    def __init__(self, places: SplitPlaces, log: SearchLog) -> None:
        self._places = places
        self._log = log
        self._packages: list[tuple[Path, SplitPackage]] | None = None

    def find(self, skeleton: SplitUnit, link: Link) -> None:
        """Link the unit, if it is anywhere."""
        for path in dict.fromkeys(self._places.units(skeleton)):
            descriptor = self._open(path, skeleton.id)
            if descriptor is not None:
                try:
                    problem = link(f"/proc/self/fd/{descriptor}")
                finally:
                    os.close(descriptor)
                self._log.add(_WHAT, path, problem or USED)
                return
        for path, package in self._open_packages():
            if not package.has(skeleton.id):
                self._log.add(_WHAT, path, f"does not hold unit {skeleton.id:016x}")
                continue
            try:
                with package.unit(skeleton.id) as place:
                    self._log.add(_WHAT, path, link(place) or USED)
            except InputError as error:
                self._log.add(_WHAT, path, str(error))
            return

    def _open(self, path: Path, unit_id: int) -> int | None:
        """A descriptor of a .dwo file with the unit."""
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                self._log.add(_WHAT, path, "is not a regular file")
                return None
            descriptor = _open_readable(path)
            with DebugFile(path, os.dup(descriptor)) as file:
                ids = {one.id for one in file.split_units()}
            if unit_id in ids:
                return descriptor
            os.close(descriptor)
            found = ", ".join(f"{one:016x}" for one in sorted(ids)[:4]) or "none"
            self._log.add(_WHAT, path, f"holds unit {found}, not {unit_id:016x}")
        except (FileNotFoundError, NotADirectoryError):
            self._log.add(_WHAT, path, NOT_THERE)
        except OSError as error:
            self._log.add(_WHAT, path, f"cannot be read: {error.strerror}")
        except _UNREADABLE as error:
            self._log.add(_WHAT, path, str(error).removeprefix(f"{path}: "))
        return None

    def _open_packages(self) -> list[tuple[Path, SplitPackage]]:
        if self._packages is None:
            self._packages = []
            for path in dict.fromkeys(self._places.packages()):
                try:
                    self._packages.append((path, open_package(path)))
                except MissingError:
                    self._log.add(_WHAT, path, NOT_THERE)
                except _UNREADABLE as error:
                    text = str(error).removeprefix(f"{path}: ").removeprefix(f"{path} ")
                    self._log.add(_WHAT, path, text)
        return self._packages


def _open_readable(path: Path) -> int:
    """A descriptor of a .dwo file as libdw can read it.

    That is without zstd, which libdw knows since 0.192 only, and with one section of
    each name: gcc puts each type unit into a section of its own, and nobody links them.
    """
    elf = open_elf(path)
    sections = [s for s in elf.sections if s.name.endswith(".dwo")]
    packed = any(section.flags & SHF_COMPRESSED for section in sections)
    if not packed and len({section.name for section in sections}) == len(sections):
        return open_descriptor(path)
    contents: dict[str, bytes] = {}
    for section in sections:
        data = bytes(elf.section_data(section))
        contents[section.name] = contents.get(section.name, b"") + data
    with anonymous_file("split-unit") as (descriptor, _):
        write_sections(descriptor, elf.header, contents)
        return os.dup(descriptor)


def attach_splits(file: DebugFile, places: SplitPlaces, log: SearchLog) -> None:
    """Let ``file`` find its split units when they are asked for.

    To be called before anything is read from it.
    """
    units = file.split_units()
    if any(unit.is_skeleton for unit in units):
        file.use_splits(units, _SplitFinder(places, log).find)
