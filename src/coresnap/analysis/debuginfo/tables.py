"""Tables that stay in C: one unit may have a hundred thousand ranges or names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coresnap.analysis.debuginfo.records import AddressRange

__all__ = ["CData", "RangeTable", "TypeTable"]

CData = Any
"""cffi types its objects at run time only."""


class RangeTable:
    """Address ranges of DIEs, kept in C: a unit may have a hundred thousand."""

    def __init__(self, ffi: CData, lib: CData, table: CData) -> None:
        self._find = lib.csdw_ranges_find
        self._unpack = ffi.unpack
        self.table = ffi.gc(table, lib.csdw_table_deinit)
        self._row = ffi.new("uint64_t[3]")

    def __len__(self) -> int:
        return int(self.table.count)

    def __iter__(self) -> Iterator[AddressRange]:
        words = self._unpack(self.table.words, len(self) * 3) if len(self) else []
        return (AddressRange(*row) for row in zip(*(iter(words),) * 3, strict=True))

    def find(self, pc: int) -> AddressRange | None:
        """The range that holds ``pc``; of nested ones the innermost."""
        if self._find(self.table, pc, self._row):
            return AddressRange(*self._row)
        return None


class TypeTable:
    """Complete named types of one unit, kept in C. Valid while its file is open."""

    def __init__(self, ffi: CData, lib: CData, table: CData) -> None:
        self.visited = int(table.visited)
        self._find = lib.csdw_types_find
        self._table = ffi.gc(table, lib.csdw_table_deinit)

    def find(self, name: str) -> Iterator[int]:
        """DIEs of the types with this unqualified name."""
        return self._all(name, 0)

    def find_template(self, name: str) -> Iterator[int]:
        """The same for what stands before the arguments of a template."""
        return self._all(name, 1)

    def _all(self, name: str, template: int) -> Iterator[int]:
        text = name.encode("utf-8", "surrogateescape")
        at, width = self._find(self._table, text, template, 0), self._table.width
        while at < self._table.count:
            yield self._table.words[at * width]
            at = self._find(self._table, text, template, at + 1)
