"""Snapshots made smaller: to what a store counts by, or to what a disk holds longer.

Both are snapshots, which every reader reads.
"""

from __future__ import annotations

import os

from coresnap.errors import SnapshotFormatError
from coresnap.snapshot import schema
from coresnap.snapshot.compression import compress_slowly
from coresnap.snapshot.container import (
    SECTION_LIMIT,
    SnapshotReader,
    open_snapshot,
    pack_sections,
)
from coresnap.snapshot.layout import CODEC_DICTIONARY, CODEC_STORED, CODEC_ZSTD
from coresnap.snapshot.memory import pack_memory

__all__ = ["recompressed", "summary_alone"]

_BLOCK_SIZE = 4 << 20
_DICTIONARY_UP_TO = 256 * 1024
_MEMORY = ("memory", "memory-data")


def summary_alone(source: str | os.PathLike[str] | int) -> bytes:
    """Return a snapshot that has the summary and nothing else, byte for byte.

    A descriptor is closed. Raises MissingError, AccessError, and SnapshotFormatError
    if ``source`` is no snapshot.
    """
    with open_snapshot(source) as reader:
        if "summary" not in reader.sections:
            raise SnapshotFormatError("the snapshot has no summary")
        return pack_sections([reader.stored("summary")])


def recompressed(source: str | os.PathLike[str] | int) -> bytes:
    """Return the same snapshot in fewer bytes; slow, some MB a second.

    Sections that we do not know stay as they are. Takes and raises what
    ``summary_alone`` does.
    """
    with open_snapshot(source) as reader:
        bodies = [
            _recompressed(reader, name)
            for name in reader.sections
            if name not in _MEMORY
        ]
        if reader.memory.size:
            index, blocks = pack_memory(
                reader.memory.ranges(), _BLOCK_SIZE, compress_slowly
            )
            content = schema.encode(index)
            bodies.append(_smaller("memory", content))
            bodies.append(("memory-data", len(blocks), blocks, CODEC_STORED))
    return pack_sections(bodies)


def _recompressed(reader: SnapshotReader, name: str) -> tuple[str, int, bytes, int]:
    before = reader.stored(name)
    known = (CODEC_STORED, CODEC_ZSTD, CODEC_DICTIONARY)
    if name not in schema.SECTION_TYPES or before[3] not in known:
        return before
    after = _smaller(name, reader.content(name))
    return after if len(after[2]) < len(before[2]) else before


def _smaller(name: str, content: bytes) -> tuple[str, int, bytes, int]:
    if len(content) > SECTION_LIMIT:
        raise SnapshotFormatError(f"section {name!r} is too large")
    if len(content) <= _DICTIONARY_UP_TO:
        stored, codec = compress_slowly(content, dictionary=True), CODEC_DICTIONARY
    else:
        stored, codec = compress_slowly(content), CODEC_ZSTD
    return name, len(content), stored, codec
