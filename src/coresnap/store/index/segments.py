"""Segments as objects: what an index was told, kept so that it can be told again.

The form is described in ``docs/formats.md``.
"""

from __future__ import annotations

import hashlib
import struct

import msgspec

from coresnap.errors import SnapshotFormatError, StorageError
from coresnap.snapshot.compression import decompress
from coresnap.snapshot.zstandard import zstd
from coresnap.store.fault import Fault
from coresnap.store.index.contract import Segment

__all__ = [
    "decode_segment",
    "encode_segment",
    "segment_key",
    "segment_number",
    "segments_prefix",
]

_MAGIC = b"\x89CRNSEG\n"
_VERSION = 1
_HEADER = struct.Struct("<8sIQ32s")  # magic, version, size of the content, SHA-256
_LEVEL = 6
_MOST_BYTES = 1 << 30  # of content; the largest segment has some thousand faults


class _Content(msgspec.Struct, frozen=True):
    project: int
    number: int
    faults: tuple[Fault, ...]
    removed: tuple[str, ...] = ()


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Content)


def segment_key(project: int, number: int) -> str:
    """Return where a segment lies; keys sort as the numbers do."""
    return f"{segments_prefix(project)}{number:012d}"


def segments_prefix(project: int) -> str:
    """Return what the keys of all of a project's segments begin with."""
    return f"{project}/segments/"


def segment_number(key: str) -> int:
    """Return the number that a segment's key ends with; raises StorageError."""
    name = key.rpartition("/")[2]
    if not (name.isascii() and name.isdigit()):
        raise StorageError(f"{key} is no segment")
    return int(name)


def encode_segment(segment: Segment) -> bytes:
    """Return the bytes of a segment; the same segment has the same bytes."""
    content = _ENCODER.encode(
        _Content(segment.project, segment.number, segment.faults, segment.removed)
    )
    digest = hashlib.sha256(content).digest()
    header = _HEADER.pack(_MAGIC, _VERSION, len(content), digest)
    return header + zstd.compress(content, _LEVEL)


def decode_segment(data: bytes, project: int, number: int) -> Segment:
    """Read a segment. Raises StorageError if it is damaged, or another one."""
    content = _content(data, f"segment {number} of project {project}")
    if (content.project, content.number) != (project, number):
        raise StorageError(
            f"segment {number} of project {project} says that it is"
            f" {content.number} of {content.project}"
        )
    return Segment(project, number, content.faults, content.removed)


def _content(data: bytes, name: str) -> _Content:
    if len(data) < _HEADER.size or not data.startswith(_MAGIC):
        raise StorageError(f"{name} is damaged: it does not begin as one")
    _, version, size, digest = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise StorageError(f"{name} has version {version}; this program reads 1")
    if size > _MOST_BYTES:
        raise StorageError(f"{name} is damaged: it claims {size} bytes")
    try:
        content = decompress(data[_HEADER.size :], size)
        if hashlib.sha256(content).digest() != digest:
            raise StorageError(f"{name} is damaged: its checksum differs")
        return _DECODER.decode(content)
    except (SnapshotFormatError, msgspec.MsgspecError) as error:
        raise StorageError(f"{name} is damaged: {error}") from error
