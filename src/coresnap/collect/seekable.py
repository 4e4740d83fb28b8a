"""Writes and reads files in zstd's seekable format, where zeros cost next to nothing.

A frame holds at most a mebibyte of data, or sixteen of zeros; each has the checksum of
its content. Every zstd reader reads the file from its start, this one from anywhere
(``docs/formats.md``). Memory is bounded by a frame and by the seek table.
"""

from __future__ import annotations

import functools
import os
import struct
import sys
from collections.abc import Iterator

import attrs

from coresnap.collect.seek_table import (
    EMPTY_CHECKSUM,
    Entry,
    SeekTable,
    encode_table,
    read_table,
)
from coresnap.errors import InputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["FRAME_SIZE", "MAGIC", "SeekableReader", "SeekableWriter"]

MAGIC = b"\x28\xb5\x2f\xfd"
"""How a zstd frame starts (RFC 8878)."""
FRAME_SIZE = 1 << 20
"""Bytes of content in a frame, at most: what one read has to decompress."""

_ZERO_FRAME_SIZE = 16 << 20
_LEVEL = 3
_WINDOW_LOG_MAX = 25  # zstd's own levels use at most 27, with frames of ours at most 24
_SKIPPABLE = 0x184D2A5C
_LARGEST_SKIPPABLE = 512
_KEPT_FRAMES = 4


@functools.lru_cache(maxsize=4)
def _zeros(size: int) -> bytes:
    return bytes(size)


def _compress(data: bytes) -> bytes:
    compressor = zstd.ZstdCompressor(
        options={
            zstd.CompressionParameter.compression_level: _LEVEL,
            zstd.CompressionParameter.checksum_flag: 1,
        }
    )
    return compressor.compress(data, zstd.ZstdCompressor.FLUSH_FRAME)


@functools.lru_cache(maxsize=4)
def _zero_frame(size: int) -> bytes:
    return _compress(_zeros(size))


@attrs.define(eq=False)
class SeekableWriter:
    """Writes content to ``fd``, an empty file, from its start; ``finish`` it."""

    fd: int
    size: int = 0
    """Bytes of content so far."""
    data_size: int = 0
    """Bytes of content in frames that are not all zeros."""
    stored_size: int = 0
    """Bytes written to the file."""
    _zeros: int = 0
    _frames: list[tuple[int, int, int]] = attrs.field(factory=list)

    def append(self, data: bytes) -> None:
        """Append at most ``FRAME_SIZE`` bytes, which become a frame unless all are 0.

        Raises OSError.
        """
        if data == _zeros(len(data)):
            self.skip(len(data))
            return
        self._write_zeros(1)
        self._write_frame(_compress(data), len(data))
        self.size += len(data)
        self.data_size += len(data)

    def skip(self, size: int) -> None:
        """Append ``size`` zeros. Raises OSError."""
        self._zeros += size
        self.size += size
        self._write_zeros(_ZERO_FRAME_SIZE)

    def finish(self, facts: bytes) -> None:
        """Write ``facts`` into a frame that is not content, and the seek table.

        Raises OSError.
        """
        self._write_zeros(1)
        frame = struct.pack("<II", _SKIPPABLE, len(facts)) + facts
        self._write(frame)
        self._frames.append((len(frame), 0, EMPTY_CHECKSUM))
        self._write(encode_table(self._frames))

    def _write_zeros(self, least: int) -> None:
        while self._zeros >= least:
            size = min(self._zeros, _ZERO_FRAME_SIZE)
            self._write_frame(_zero_frame(size), size)
            self._zeros -= size

    def _write_frame(self, frame: bytes, size: int) -> None:
        self._write(frame)
        # The frame's own checksum is the one that the table wants.
        (checksum,) = struct.unpack("<I", frame[-4:])
        self._frames.append((len(frame), size, checksum))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = os.write(self.fd, view)
            self.stored_size += count
            view = view[count:]


@attrs.define(eq=False)
class SeekableReader:
    """Reads the content of the file ``fd`` from anywhere. The file stays the caller's.

    Raises InputError if there is no seek table that describes the file.
    """

    fd: int
    table: SeekTable = attrs.field(init=False)
    _kept: dict[int, bytes] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.table = read_table(self.fd)

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self.table.size

    def read(self, offset: int, size: int) -> bytes:
        """Return content; less than ``size`` bytes only at the end.

        Raises InputError for a frame that is damaged, OSError if the disk fails.
        """
        end = min(offset + size, self.size)
        pieces = []
        for index in self.table.covering(offset, end):
            start = self.table.offsets[index]
            content = self._keep(index)
            pieces.append(content[max(offset - start, 0) : end - start])
        return b"".join(pieces)

    def frames(self) -> Iterator[tuple[Entry, bytes | None]]:
        """Yield all frames that have content; None instead of a frame of zeros.

        Raises as ``read``.
        """
        for index, entry in enumerate(self.table.entries()):
            if entry.size:
                yield entry, self._content(index)

    def facts(self) -> bytes | None:
        """Return what ``SeekableWriter.finish`` was given; None for another writer's.

        Raises OSError.
        """
        if not len(self.table):
            return None
        last = self.table.entry(len(self.table) - 1)
        if last.size or not 8 <= last.stored_size <= _LARGEST_SKIPPABLE:
            return None
        frame = os.pread(self.fd, last.stored_size, last.position)
        facts = frame[8:]
        is_ours = frame[:8] == struct.pack("<II", _SKIPPABLE, len(facts))
        return facts if is_ours else None

    def _keep(self, index: int) -> bytes:
        content = self._kept.pop(index, None)
        if content is None:
            found = self._content(index)
            content = (
                found if found is not None else _zeros(self.table.entry(index).size)
            )
        self._kept[index] = content
        if len(self._kept) > _KEPT_FRAMES:
            del self._kept[next(iter(self._kept))]
        return content

    def _content(self, index: int) -> bytes | None:
        entry = self.table.entry(index)
        frame = os.pread(self.fd, entry.stored_size, entry.position)
        if entry.size % FRAME_SIZE == 0 and frame == _zero_frame(entry.size):
            return None
        content = _decompress(frame, entry, index)
        return None if content == _zeros(entry.size) else content


def _decompress(frame: bytes, entry: Entry, index: int) -> bytes:
    decompressor = zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX}
    )
    try:
        content = decompressor.decompress(frame, entry.size + 1)
        # The end of a frame can hide behind a full output buffer.
        if not decompressor.eof and len(content) == entry.size:
            content += decompressor.decompress(b"", 1)
    except zstd.ZstdError as error:
        raise InputError(
            f"frame {index} at {entry.position} is damaged: {error}",
            remedy=f"The content from {entry.offset} to "
            f"{entry.offset + entry.size} is lost; the rest can be read.",
        ) from error
    if not decompressor.eof or decompressor.unused_data or len(content) != entry.size:
        raise InputError(f"frame {index} does not hold the {entry.size} bytes told")
    return content
