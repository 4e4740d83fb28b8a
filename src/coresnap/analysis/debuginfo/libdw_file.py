"""A file that libdw has open, and all that is to be released with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from coresnap.analysis.debuginfo.split_units import FindSplit, SplitUnit, SplitUnits
from coresnap.analysis.debuginfo.tables import CData, RangeTable
from coresnap.errors import AccessError, InputError

try:
    from coresnap import _libdw
except ImportError as error:
    _UNAVAILABLE: str | None = f"coresnap._libdw is not built ({error})"
else:
    _UNAVAILABLE = None

__all__ = ["LibdwFile", "open_descriptor", "unavailable"]

_DIE_BUDGET = 100_000_000
"""DIEs looked at in all walks together: ten seconds of libdw's time."""


def unavailable() -> str | None:
    """Why debug information cannot be read at all; None if it can."""
    return _UNAVAILABLE


def open_descriptor(path: str | os.PathLike[str]) -> int:
    """A descriptor to read ``path``; raises ``AccessError`` or ``InputError``."""
    # A debug file's path may name a FIFO: opening must not wait for a writer.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(path, flags)
    except PermissionError as error:
        raise AccessError(f"cannot read {os.fspath(path)}: {error.strerror}") from error
    except OSError as error:
        raise InputError(f"cannot open {os.fspath(path)}: {error.strerror}") from error


class LibdwFile:
    """An ELF file with DWARF, its split units, and what libdw says in tables."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take over ``descriptor``; raises ``InputError`` if there is no DWARF."""
        self.path = path
        self._ffi: Any = _libdw.ffi
        self._lib: Any = _libdw.lib
        self._descriptor = descriptor
        self._elf: Any = None
        self._dwarf: Any = None
        self._splits: SplitUnits | None = None
        self._budget = _DIE_BUDGET
        try:
            self._begin()
        except InputError:
            self.close()
            raise

    def _begin(self) -> None:
        lib = self._lib
        lib.elf_version(lib.EV_CURRENT)
        self._elf = lib.elf_begin(self._descriptor, lib.ELF_C_READ_MMAP, self._ffi.NULL)
        if self._elf == self._ffi.NULL:
            raise InputError(f"{self.path} cannot be read as an ELF file")
        self._begin_dwarf()

    def _begin_dwarf(self) -> None:
        lib = self._lib
        self._dwarf = lib.dwarf_begin_elf(self._elf, lib.DWARF_C_READ, self._ffi.NULL)
        if self._dwarf == self._ffi.NULL:
            self._dwarf = None
            raise InputError(f"{self.path}: {self._error()}")

    def _error(self) -> str:
        message = self._lib.dwarf_errmsg(-1)
        return "" if message == self._ffi.NULL else self._text(message) or ""

    def close(self) -> None:
        """Release the file; every handle becomes invalid. May be repeated."""
        if self._dwarf is not None:
            self._lib.dwarf_end(self._dwarf)
            self._dwarf = None
        if self._elf:
            self._lib.elf_end(self._elf)
            self._elf = None
        if self._splits is not None:
            self._splits.close()
            self._splits = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def split_units(self) -> list[SplitUnit]:
        """The skeletons of split units; in a file of split units, those."""
        table = self._table()
        self._lib.csdw_unit_ids(self._dwarf, table)
        return [
            SplitUnit(handle, bool(skeleton), unit_id, *map(self._text_at, texts))
            for handle, skeleton, unit_id, *texts in self._rows(table)
        ]

    def _text_at(self, address: int) -> str | None:
        return self._text(self._ffi.cast("char *", address))

    def use_splits(self, units: Sequence[SplitUnit], find: FindSplit) -> None:
        """Have ``find`` look for the split units of ``units`` when they are needed.

        To be called before anything else is asked of this file.
        """
        self._lib.dwarf_end(self._dwarf)
        self._dwarf = None
        self._splits = SplitUnits(self._ffi, self._lib, self._elf, units, find)
        self._begin_dwarf()

    def _text(self, pointer: CData) -> str | None:
        if pointer == self._ffi.NULL:
            return None
        data: bytes = self._ffi.string(pointer)
        return data.decode("utf-8", "backslashreplace")

    def _rows(self, table: CData) -> Iterator[tuple[int, ...]]:
        width, count = table.width, table.count
        self._budget -= table.visited
        try:
            words = self._ffi.unpack(table.words, count * width) if count else []
        finally:
            self._lib.csdw_table_deinit(table)
        return zip(*(iter(words),) * width, strict=True)

    def _table(self) -> CData:
        return self._ffi.new("struct csdw_table *")

    def _allowed(self, walk: int) -> int:
        return max(min(walk, self._budget), 0)

    def _ranges(self, table: CData) -> RangeTable:
        self._budget -= table.visited
        return RangeTable(self._ffi, self._lib, table)
