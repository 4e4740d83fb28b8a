"""Kept memory, and beside it the bytes that the heap's blocks brought along."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence

from coresnap.model import MemoryRange, Snapshot
from coresnap.snapshot.memory import Extent
from coresnap.views.fault.memory import StoredMemory, WholeMemory

__all__ = ["PatchedMemory", "heap_pieces"]


class PatchedMemory:
    """A memory with pieces where it keeps nothing; what it keeps goes first."""

    def __init__(self, stored: StoredMemory, pieces: Iterable[MemoryRange]) -> None:
        self._stored = stored
        added = list(_added(stored.extents, pieces))
        self._added = WholeMemory(added)
        self._starts = {one.address for one in added}
        extents = [*stored.extents, *self._added.extents]
        self.extents: Sequence[Extent] = sorted(extents, key=lambda one: one.address)
        self._addresses = [extent.address for extent in self.extents]

    def read(self, address: int, size: int) -> bytes:
        """Return bytes that lie in one extent."""
        index = bisect.bisect_right(self._addresses, address) - 1
        is_added = index >= 0 and self._addresses[index] in self._starts
        return (self._added if is_added else self._stored).read(address, size)


def heap_pieces(snapshot: Snapshot) -> Iterator[MemoryRange]:
    """Yield the bytes that a snapshot has of blocks and of damage."""
    for heap in snapshot.heaps:
        for damage in heap.damage:
            yield MemoryRange(damage.address, damage.data)
            if damage.overrun is not None:
                yield MemoryRange(damage.overrun.address, damage.overrun.preview)
        yield from (MemoryRange(one.address, one.preview) for one in heap.freed)
    yield from (MemoryRange(one.address, one.preview) for one in snapshot.blocks)


def _added(
    extents: Iterable[Extent], pieces: Iterable[MemoryRange]
) -> Iterator[MemoryRange]:
    """Yield the parts of ``pieces`` that lie nowhere else, ascending."""
    taken = [(extent.address, extent.address + extent.size) for extent in extents]
    found: list[MemoryRange] = []
    for piece in pieces:
        if piece.address < 0:
            continue
        for start, end in list(_free(taken, piece.address, len(piece.data))):
            data = piece.data[start - piece.address : end - piece.address]
            found.append(MemoryRange(start, data))
            bisect.insort(taken, (start, end))
    yield from sorted(found, key=lambda one: one.address)


def _free(
    taken: Sequence[tuple[int, int]], address: int, size: int
) -> Iterator[tuple[int, int]]:
    """Yield what of a range is in none of ``taken``, which ascend."""
    at, end = address, address + size
    index = max(0, bisect.bisect_right(taken, (at, 1 << 65)) - 1)
    for start, stop in taken[index:]:
        if start >= end:
            break
        if at < start:
            yield at, start
        at = max(at, stop)
    if at < end:
        yield at, end
