"""The hex view: all memory that was kept, a line for each row, read when it is seen."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import overload

from coresnap.errors import CoresnapError
from coresnap.snapshot.escape import printable
from coresnap.views.fault.memory import ROW, Memory, MemoryRow, MemoryRun
from coresnap.views.viewer.line import Line, Span, line

__all__ = ["MemoryLines"]

_SIGNS = {
    "live": "+",
    "free": "-",
    "damaged": "!",
    "top": "^",
    "metadata": "=",
    "unknown": "?",
}
"""States of a block for who sees no colours."""
_CACHED = 512


class MemoryLines(Sequence[Line]):
    """One line for each row that holds something."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        # Rows of the whole address space do not fit into a list; those that were kept
        # are counted by extent.
        self._count = memory.kept_rows()
        self._made = functools.lru_cache(maxsize=_CACHED)(self._line)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, number: int) -> Line: ...

    @overload
    def __getitem__(self, number: slice) -> list[Line]: ...

    def __getitem__(self, number: int | slice) -> Line | list[Line]:
        if isinstance(number, slice):
            return [self._made(one) for one in range(*number.indices(self._count))]
        if not 0 <= number < self._count:
            raise IndexError(number)
        return self._made(number)

    def number_of(self, address: int) -> int | None:
        """Return the line that shows ``address``; None if it was not kept."""
        before = 0
        for extent in self.memory.extents:
            first = extent.address // ROW
            end = -(-(extent.address + extent.size) // ROW)
            if extent.address <= address < extent.address + extent.size:
                return before + address // ROW - first
            before += end - first
        return None

    def address_of(self, number: int) -> int | None:
        """Return the address that a line begins with."""
        return self.memory.row_at(number)

    def _line(self, number: int) -> Line:
        address = self.memory.row_at(number)
        if address is None:
            return line("")
        try:
            row = self.memory.rows(address, 1)[0]
        except CoresnapError as error:
            return line(f"{address:012x} ", (printable(str(error)), "alarm"))
        leading = [one.value for one in row.pointers if one.is_kept]
        return line(*_spans(row), target=leading[0] if leading else None)


def _spans(row: MemoryRow) -> Iterator[Span]:
    yield Span(f"{row.address:012x} ")
    for run in row.runs:
        yield from _hex(run)
    yield Span(" ")
    yield Span(row.characters)
    yield Span(f" {_sign(row)} ")
    yield Span(" ".join(row.marks), "title")
    for pointer in row.pointers:
        yield Span(f" +{pointer.offset:x}→{pointer.words}", "place")


def _hex(run: MemoryRun) -> Iterator[Span]:
    for at in range(run.size):
        gap = " " if (run.offset + at) % 4 == 0 else ""
        if run.data is None:
            yield Span(gap + "··", "absent")
        else:
            if gap:
                yield Span(gap)
            yield Span(f"{run.data[at]:02x}", run.state)


def _sign(row: MemoryRow) -> str:
    signs = dict.fromkeys(_SIGNS.get(run.state, "") for run in row.runs)
    return "".join(signs) or " "
