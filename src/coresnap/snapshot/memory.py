"""Memory ranges, addressable without decoding the rest.

All ranges laid end to end are one stream, cut into blocks of equal size that are
compressed one by one. The section ``memory`` says which ranges and blocks there are;
the section ``memory-data`` holds the blocks. A read touches only the blocks that it
needs.
"""

from __future__ import annotations

import bisect
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator

import msgspec

from coresnap.errors import MemoryReadError, SnapshotFormatError
from coresnap.model import MemoryRange
from coresnap.snapshot.compression import compress, decompress

__all__ = ["BLOCK_SIZE", "MemoryIndex", "MemoryReader", "StoredBlock", "pack_memory"]

BLOCK_SIZE = 64 * 1024

_BLOCK_SIZE_MAX = 16 * 1024 * 1024


class Extent(msgspec.Struct, frozen=True):
    """Where a range lies in the address space; ranges ascend and do not overlap."""

    address: int
    size: int


class StoredBlock(msgspec.Struct, frozen=True):
    """One compressed block."""

    stored_size: int
    checksum: int
    """CRC-32 of the stored bytes."""


class MemoryIndex(msgspec.Struct, frozen=True):
    """The section ``memory``."""

    block_size: int
    """Bytes of every block but the last, after decompression."""
    ranges: tuple[Extent, ...] = ()
    blocks: tuple[StoredBlock, ...] = ()


def pack_memory(
    ranges: Iterable[MemoryRange],
    block_size: int = BLOCK_SIZE,
    compress: Callable[[bytes], bytes] = compress,
) -> tuple[MemoryIndex, bytes]:
    """Return the sections ``memory`` and ``memory-data`` of ``ranges``.

    Larger blocks take less room, and more work to read a little of.
    """
    ranges = tuple(ranges)
    blocks = [compress(block) for block in _blocks(ranges, block_size)]
    index = MemoryIndex(
        block_size=block_size,
        ranges=tuple(Extent(r.address, len(r.data)) for r in ranges),
        blocks=tuple(StoredBlock(len(b), zlib.crc32(b)) for b in blocks),
    )
    return index, b"".join(blocks)


def _blocks(ranges: tuple[MemoryRange, ...], size: int) -> Iterator[bytes]:
    pending = bytearray()
    for memory_range in ranges:
        pending += memory_range.data
        while len(pending) >= size:
            yield bytes(pending[:size])
            del pending[:size]
    if pending:
        yield bytes(pending)


class MemoryReader:
    """Reads ranges of a stored memory.

    ``fetch(offset, size)`` returns bytes of the section ``memory-data``, which has
    ``data_size`` bytes. Raises SnapshotFormatError if index and data disagree.
    """

    def __init__(
        self, index: MemoryIndex, data_size: int, fetch: Callable[[int, int], bytes]
    ) -> None:
        self.size = sum(extent.size for extent in index.ranges)
        """Bytes of all ranges together."""
        self.extents = index.ranges
        self._blocks = index.blocks
        self._block_size = index.block_size
        self._fetch = fetch
        self._addresses = [extent.address for extent in index.ranges]
        sizes = (extent.size for extent in index.ranges)
        self._starts = list(itertools.accumulate(sizes, initial=0))
        stored = (block.stored_size for block in index.blocks)
        self._offsets = list(itertools.accumulate(stored, initial=0))
        self._check(data_size)
        self._cached: tuple[int, bytes] = (-1, b"")

    def _check(self, data_size: int) -> None:
        ends = [extent.address + extent.size for extent in self.extents]
        ascending = all(
            end <= start for end, start in zip(ends, self._addresses[1:], strict=False)
        )
        # A size or count is unsigned on the wire, but MessagePack has negatives too.
        numbers = [n for e in self.extents for n in (e.address, e.size)]
        numbers += [block.stored_size for block in self._blocks]
        if (
            not ascending
            or min(numbers, default=0) < 0
            or not 0 < self._block_size <= _BLOCK_SIZE_MAX
            or len(self._blocks) != -(-self.size // self._block_size)
            or self._offsets[-1] != data_size
        ):
            raise SnapshotFormatError("the snapshot's memory index makes no sense")

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes at ``address``.

        They must lie in one range, else MemoryReadError.
        """
        place = bisect.bisect_right(self._addresses, address) - 1
        if place < 0:
            raise MemoryReadError(address, size)
        extent = self.extents[place]
        if address + size > extent.address + extent.size:
            raise MemoryReadError(address, size)
        return self._stream(self._starts[place] + address - extent.address, size)

    def ranges(self) -> Iterator[MemoryRange]:
        """Yield every range with its bytes."""
        for extent, start in zip(self.extents, self._starts, strict=False):
            yield MemoryRange(extent.address, self._stream(start, extent.size))

    def check_blocks(self) -> None:
        """Decode every block in turn; raise SnapshotFormatError for a bad one."""
        for number in range(len(self._blocks)):
            self._block(number)

    def _stream(self, start: int, size: int) -> bytes:
        pieces = []
        while size > 0:
            number, offset = divmod(start, self._block_size)
            piece = self._block(number)[offset : offset + size]
            pieces.append(piece)
            start += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        if self._cached[0] != number:
            entry = self._blocks[number]
            stored = self._fetch(self._offsets[number], entry.stored_size)
            if zlib.crc32(stored) != entry.checksum:
                raise SnapshotFormatError(f"memory block {number} is damaged")
            size = min(self._block_size, self.size - number * self._block_size)
            self._cached = (number, decompress(stored, size))
        return self._cached[1]
