"""The seek table at the end of a file of zstd frames: which frame holds which bytes.

``contrib/seekable_format/zstd_seekable_compression_format.md`` of facebook/zstd,
version 0.1.0. The table is a skippable frame, so that every zstd reader can read the
file from its start; this one finds any byte of it.
"""

from __future__ import annotations

import bisect
import os
import struct
from array import array
from collections.abc import Iterator, Sequence

import attrs

from coresnap.errors import InputError

__all__ = ["EMPTY_CHECKSUM", "Entry", "SeekTable", "encode_table", "read_table"]

EMPTY_CHECKSUM = 0x51D8E999
"""XXH64 of nothing, its lower 32 bits."""
MOST_FRAMES = 1 << 22
"""4 TiB of data in frames of ours, or 64 TiB of zeros; 64 MiB of our memory."""
LARGEST_FRAME = 32 << 20
"""Bytes of content that are decompressed at once."""

_MAGIC = 0x184D2A5E
_FOOTER_MAGIC = 0x8F92EAB1
_HEADER = struct.Struct("<II")
_FOOTER = struct.Struct("<IBI")
_HAS_CHECKSUMS = 0x80
_RESERVED = 0x7C
_ENTRIES_AT_ONCE = 4096


@attrs.frozen
class Entry:
    """One frame of a file."""

    position: int
    """Where it starts in the file."""
    stored_size: int
    """Bytes in the file."""
    offset: int
    """Where its content starts in the content of all frames."""
    size: int
    """Bytes of content; 0 for a skippable frame."""


@attrs.frozen(eq=False)
class SeekTable:
    """Where every frame starts, in the file and in its content."""

    positions: Sequence[int]
    """One more than there are frames: the last is where the table starts."""
    offsets: Sequence[int]
    """One more than there are frames: the last is the size of the content."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self.offsets[-1]

    def entry(self, index: int) -> Entry:
        """Return one frame."""
        position, offset = self.positions[index], self.offsets[index]
        return Entry(
            position,
            self.positions[index + 1] - position,
            offset,
            self.offsets[index + 1] - offset,
        )

    def entries(self) -> Iterator[Entry]:
        """Yield all frames, in order."""
        return map(self.entry, range(len(self)))

    def covering(self, start: int, end: int) -> Iterator[int]:
        """Yield the indices of the frames that hold content from ``start`` on."""
        index = bisect.bisect_right(self.offsets, start) - 1
        while index < len(self) and self.offsets[index] < end:
            if self.offsets[index + 1] > start:
                yield index
            index += 1


def encode_table(frames: Sequence[tuple[int, int, int]]) -> bytes:
    """Return the skippable frame for (stored size, content size, checksum) each."""
    body = b"".join(struct.pack("<III", *frame) for frame in frames)
    footer = _FOOTER.pack(len(frames), _HAS_CHECKSUMS, _FOOTER_MAGIC)
    return _HEADER.pack(_MAGIC, len(body) + len(footer)) + body + footer


def read_table(fd: int) -> SeekTable:
    """Read the table of the file ``fd``, believing nothing that it says.

    Memory is bounded by ``MOST_FRAMES``. Raises InputError if there is no table, or if
    it does not describe this file; OSError if the file cannot be read.
    """
    end = os.fstat(fd).st_size
    count, entry_size = _read_footer(fd, end)
    body_size = count * entry_size + _FOOTER.size
    start = end - body_size - _HEADER.size
    if start < 0:
        raise InputError(f"the seek table promises {count} frames and is not whole")
    if _read(fd, start, _HEADER.size) != _HEADER.pack(_MAGIC, body_size):
        raise InputError("the seek table does not start where it should")
    positions, offsets = array("Q", [0]), array("Q", [0])
    position = offset = 0
    for stored, size in _sizes(fd, start + _HEADER.size, count, entry_size):
        if size > LARGEST_FRAME or stored > _most_stored(size):
            raise InputError(
                f"frame {len(offsets) - 1} is too large: {stored} bytes for {size}",
                remedy="`zstd -d` reads the file if it is whole.",
            )
        position += stored
        offset += size
        positions.append(position)
        offsets.append(offset)
    if position != start:
        raise InputError(f"the seek table speaks of {position} bytes, not of {start}")
    return SeekTable(positions, offsets)


def _read_footer(fd: int, end: int) -> tuple[int, int]:
    if end < _FOOTER.size:
        raise InputError("the file ends before its seek table")
    footer = _read(fd, end - _FOOTER.size, _FOOTER.size)
    count, descriptor, magic = _FOOTER.unpack(footer)
    if magic != _FOOTER_MAGIC:
        raise InputError(
            "there is no seek table at the end: the file was cut, or it is plain zstd",
            remedy="`zstd -d` reads what is there of it.",
        )
    if descriptor & _RESERVED:
        raise InputError(f"the seek table is of a later kind ({descriptor:#x})")
    if count > MOST_FRAMES:
        raise InputError(f"the seek table promises {count} frames: too many")
    return count, 12 if descriptor & _HAS_CHECKSUMS else 8


def _sizes(
    fd: int, position: int, count: int, entry_size: int
) -> Iterator[tuple[int, int]]:
    # The checksums are those at the ends of our frames: zstd compares them.
    layout = struct.Struct("<II4x" if entry_size == 12 else "<II")
    while count:
        some = min(count, _ENTRIES_AT_ONCE)
        yield from layout.iter_unpack(_read(fd, position, some * entry_size))
        position += some * entry_size
        count -= some


def _most_stored(size: int) -> int:
    # ZSTD_compressBound is less than this; a skippable frame of ours too.
    return size + size // 128 + 1024


def _read(fd: int, position: int, size: int) -> bytes:
    data = os.pread(fd, size, position)
    if len(data) != size:
        raise InputError("the file became shorter while it was read")
    return data
