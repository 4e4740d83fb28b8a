"""Memory as rows of a hex view, with what is known of each byte."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from coresnap.model import Block, MemoryRange, Snapshot
from coresnap.snapshot.memory import Extent
from coresnap.views.fault.place import Places

__all__ = [
    "ROW",
    "Memory",
    "MemoryRow",
    "MemoryRun",
    "Pointer",
    "StoredMemory",
    "WholeMemory",
    "interesting_addresses",
]

ROW = 16
"""Bytes of a row."""
_TOP = 1 << 64
_NARROW = frozenset({"i386", "arm", "m68k", "x32"})
"""Architectures with addresses of four bytes."""
_BIG_ENDIAN = frozenset({"s390x", "m68k", "aarch64_be"})
_NO_WORDS_BELOW = 0x10000
"""Numbers below are seldom addresses, and the first pages are never mapped."""


class StoredMemory(Protocol):
    """The memory that a snapshot keeps."""

    @property
    def extents(self) -> Sequence[Extent]:
        """Where something is kept, ascending."""

    def read(self, address: int, size: int) -> bytes:
        """Return bytes that lie in one extent."""


class WholeMemory:
    """The memory of a snapshot that was read as a whole."""

    def __init__(self, ranges: Sequence[MemoryRange]) -> None:
        self._ranges = ranges
        self.extents = tuple(Extent(one.address, len(one.data)) for one in ranges)
        self._starts = [one.address for one in ranges]

    def read(self, address: int, size: int) -> bytes:
        """Return bytes that lie in one range."""
        kept = self._ranges[bisect.bisect_right(self._starts, address) - 1]
        start = address - kept.address
        return kept.data[start : start + size]


class Pointer(msgspec.Struct, frozen=True):
    """A word in memory that leads somewhere."""

    offset: int
    """In the row."""
    value: int
    words: str
    """What lies there; printable."""
    is_kept: bool
    """Whether the memory there can be looked at."""


class MemoryRun(msgspec.Struct, frozen=True):
    """Neighbouring bytes of a row of which the same is known."""

    offset: int
    """In the row."""
    size: int
    data: bytes | None
    """None where the snapshot does not keep them."""
    state: str
    """``live``, ``free``, ``top``, ``metadata``, ``unknown`` as in ``Block.state``;
    ``damaged``; empty where no block is known."""
    block: Block | None = None


class MemoryRow(msgspec.Struct, frozen=True):
    """Sixteen bytes."""

    address: int
    """A multiple of 16."""
    runs: tuple[MemoryRun, ...]
    marks: tuple[str, ...]
    """What points into the row: ``rax``, ``fault``; printable."""
    pointers: tuple[Pointer, ...]

    @property
    def characters(self) -> str:
        """The bytes as ASCII; a dot for others, a blank where nothing is kept."""
        return "".join(
            " " * run.size if run.data is None else _ascii(run.data)
            for run in self.runs
        )


class Memory:
    """Rows at any address, coloured by the blocks they belong to."""

    def __init__(
        self,
        stored: StoredMemory,
        places: Places,
        marks: Mapping[int, Sequence[str]],
        damaged: Sequence[tuple[int, int]] = (),
        architecture: str = "",
    ) -> None:
        """``marks``: address to what points there; ``damaged``: address and size."""
        self.extents = stored.extents
        self.size = sum(extent.size for extent in stored.extents)
        self._stored = stored
        self._places = places
        self._marks = sorted(marks.items())
        self._marked = [address for address, _ in self._marks]
        self._damaged = damaged
        self._word = 4 if architecture in _NARROW else 8
        self._order = _byte_order(architecture)
        self._starts = [extent.address for extent in stored.extents]

    def is_kept(self, address: int) -> bool:
        """Whether the byte at ``address`` is kept."""
        return self._extent(address) is not None

    def rows(self, address: int, count: int) -> tuple[MemoryRow, ...]:
        """Return ``count`` rows, the first of them with ``address``."""
        start = max(0, address) // ROW * ROW
        ends = min(start + count * ROW, _TOP)
        return tuple(self._row(at) for at in range(start, ends, ROW))

    def kept_rows(self) -> int:
        """Return how many rows hold something that is kept."""
        return sum(
            -(-(e.address + e.size) // ROW) - e.address // ROW for e in self.extents
        )

    def row_at(self, number: int) -> int | None:
        """Return the address of the ``number``th row that holds something kept."""
        for extent in self.extents:
            first = extent.address // ROW
            count = -(-(extent.address + extent.size) // ROW) - first
            if number < count:
                return (first + number) * ROW
            number -= count
        return None

    def _extent(self, address: int) -> Extent | None:
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        extent = self.extents[index]
        return extent if address < extent.address + extent.size else None

    def _row(self, address: int) -> MemoryRow:
        pieces = list(self._pieces(address))
        runs = tuple(
            run
            for at, size, data in pieces
            for run in self._runs(address, at, size, data)
        )
        return MemoryRow(
            address,
            runs,
            tuple(self._marks_in(address)),
            tuple(p for piece in pieces for p in self._pointers(address, *piece)),
        )

    def _pieces(self, row: int) -> Iterator[tuple[int, int, bytes | None]]:
        """What is kept of a row and what is not: address, size, bytes."""
        at, end = row, row + ROW
        while at < end:
            extent = self._extent(at)
            if extent is not None:
                stop = min(end, extent.address + extent.size)
                yield at, stop - at, self._stored.read(at, stop - at)
            else:
                index = bisect.bisect_right(self._starts, at)
                later = self._starts[index] if index < len(self._starts) else end
                stop = min(end, later)
                yield at, stop - at, None
            at = stop

    def _runs(
        self, row: int, start: int, size: int, data: bytes | None
    ) -> Iterator[MemoryRun]:
        at, end = start, start + size
        while at < end:
            state, block, stop = self._known(at, end)
            part = None if data is None else data[at - start : stop - start]
            yield MemoryRun(at - row, stop - at, part, state, block)
            at = stop

    def _known(self, address: int, end: int) -> tuple[str, Block | None, int]:
        """What is known of the byte there, and where that ends."""
        for start, size in self._damaged:
            if start <= address < start + size:
                return "damaged", None, min(end, start + size)
            if address < start < end:
                end = start
        block = self._places.block(address)
        if block is not None:
            return block.state, block, min(end, block.address + max(block.size, 1))
        starts = self._places.starts[0]
        index = bisect.bisect_right(starts, address)
        return "", None, min(end, starts[index]) if index < len(starts) else end

    def _marks_in(self, row: int) -> Iterator[str]:
        index = bisect.bisect_left(self._marked, row)
        for address, names in self._marks[index:]:
            if address >= row + ROW:
                return
            at = f" at +{address - row}" if address != row else ""
            yield from (f"{name}{at}" for name in names)

    def _pointers(
        self, row: int, start: int, size: int, data: bytes | None
    ) -> Iterator[Pointer]:
        if data is None:
            return
        width = self._word
        for at in range(-(-start // width) * width, start + size - width + 1, width):
            word = data[at - start : at - start + width]
            value = int.from_bytes(word, self._order)
            words = self._places.words(value) if value >= _NO_WORDS_BELOW else ""
            if words:
                yield Pointer(at - row, value, words, self.is_kept(value))


def interesting_addresses(snapshot: Snapshot) -> Iterator[tuple[int, str]]:
    """Yield addresses that the fault is about and the name of each, the nearest first.

    The faulting address, accesses of the instruction, blocks, damage, registers of the
    thread that crashed, and aliases.
    """
    if snapshot.signal is not None and snapshot.signal.address is not None:
        yield snapshot.signal.address, "fault"
    if snapshot.instruction is not None:
        for access in snapshot.instruction.accesses:
            if access.address is not None:
                yield access.address, f"{access.kind} by the instruction"
    for heap in snapshot.heaps:
        yield from ((one.address, "damage") for one in heap.damage)
    # Without a thread that failed (a live process) the first one stands for it.
    for thread in snapshot.threads[:1]:
        yield from ((value, name) for name, value in thread.registers.items())
    yield from ((block.address, f"{block.state} block") for block in snapshot.blocks)
    yield from (
        (alias.address, alias.name or alias.holder)
        for alias in snapshot.aliases
        if alias.address is not None
    )


def _byte_order(architecture: str) -> Literal["little", "big"]:
    return "big" if architecture in _BIG_ENDIAN else "little"


def _ascii(data: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
