"""Parts of the memory that are worth a look, for pages that cannot show all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from coresnap.views.fault.memory import ROW, Memory, MemoryRow

__all__ = ["Window", "windows_around"]


class Window(msgspec.Struct, frozen=True):
    """Rows that follow each other."""

    title: str
    """Empty for one that speaks for itself."""
    rows: tuple[MemoryRow, ...]
    target: int | None = None
    """The address that was asked for."""


def windows_around(
    memory: Memory, addresses: Iterable[int], *, around: int, most: int
) -> tuple[Window, ...]:
    """Return windows of kept memory with ``around`` rows on each side of addresses.

    Those that touch become one; ``most`` rows are shown, of the first addresses.
    """
    wanted: set[int] = set()
    for address in addresses:
        if not memory.is_kept(address):
            continue
        row = address // ROW
        near = {n for n in range(row - around, row + around + 1) if n >= 0}
        near = {n for n in near if _holds_any(memory, n * ROW)}
        if len(wanted | near) > most:
            break
        wanted |= near
    return tuple(
        Window("", memory.rows(first * ROW, count))
        for first, count in _runs(sorted(wanted))
    )


def _holds_any(memory: Memory, start: int) -> bool:
    return memory.is_kept(start) or memory.is_kept(start + ROW - 1)


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield first and length of each run of numbers that follow each other."""
    first, count = -1, 0
    for number in numbers:
        if count and number == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = number, 1
    if count:
        yield first, count
