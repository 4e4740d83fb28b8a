"""Header and section table of the container: bytes to numbers and back, checked.

Little-endian throughout (``docs/formats.md``)::

    header   8s magic, u16 major, u16 minor, u32 sections, u64 file size,
             u16 header size, u16 entry size, u32 CRC-32 of header and table
    entry    16s name, u64 offset, u64 stored size, u64 size, u32 CRC-32, u32 codec

The CRC-32 of the header is computed with its own four bytes as zero. A later minor
version may make header and entries longer, never shorter.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import msgspec

from coresnap.errors import SnapshotFormatError

__all__ = [
    "CODEC_DICTIONARY",
    "CODEC_STORED",
    "CODEC_ZSTD",
    "HEADER_SIZE",
    "MAJOR",
    "MINOR",
    "Header",
    "Section",
    "front_size",
    "pack_front",
    "unpack_header",
    "unpack_table",
]

MAGIC = b"\x89CSNAP\r\n"
MAJOR = 2
"""2 has more ways to find a frame than 1, and can be all that 1 can."""
MINOR = 0

CODEC_STORED = 0
CODEC_ZSTD = 1
CODEC_DICTIONARY = 2
"""zstd, prepared with dictionary 1."""

_HEADER = struct.Struct("<8sHHIQHHI")
_ENTRY = struct.Struct("<16sQQQII")
_CHECKSUM = slice(28, 32)
_SECTIONS_MAX = 1024
_ENTRY_MAX = 1024

HEADER_SIZE = _HEADER.size


class Header(msgspec.Struct, frozen=True):
    """What the first bytes of a snapshot say."""

    major: int
    minor: int
    section_count: int
    file_size: int
    header_size: int
    entry_size: int
    checksum: int

    @property
    def front_size(self) -> int:
        """Bytes of header and section table."""
        return self.header_size + self.section_count * self.entry_size


class Section(msgspec.Struct, frozen=True):
    """One entry of the section table."""

    name: str
    offset: int
    """From the start of the file."""
    stored_size: int
    size: int
    """Bytes after decompression."""
    checksum: int
    """CRC-32 of the stored bytes."""
    codec: int


def pack_front(sections: Iterable[Section]) -> bytes:
    """Return header and table for ``sections``, which end the file."""
    table = b"".join(
        _ENTRY.pack(s.name.encode("ascii"), *msgspec.structs.astuple(s)[1:])
        for s in sections
    )
    count = len(table) // _ENTRY.size
    file_size = max(
        [s.offset + s.stored_size for s in sections], default=HEADER_SIZE + len(table)
    )
    fields = (MAGIC, MAJOR, MINOR, count, file_size, HEADER_SIZE, _ENTRY.size)
    checksum = zlib.crc32(table, zlib.crc32(_HEADER.pack(*fields, 0)))
    return _HEADER.pack(*fields, checksum) + table


def front_size(section_count: int) -> int:
    """Return the bytes that header and table of our own version take."""
    return HEADER_SIZE + section_count * _ENTRY.size


def unpack_header(data: bytes, file_size: int) -> Header:
    """Return the header that ``data`` begins with.

    Raises SnapshotFormatError if it is none, of an unknown major version, or tells of
    more than the ``file_size`` bytes that are there.
    """
    if len(data) < HEADER_SIZE or data[:8] != MAGIC:
        raise SnapshotFormatError("this is not a coresnap snapshot")
    _, *fields = _HEADER.unpack_from(data)
    header = Header(*fields)
    if not 1 <= header.major <= MAJOR:
        raise SnapshotFormatError(
            f"snapshot format {header.major}.{header.minor} is not understood",
            remedy="Read it with a newer coresnap.",
        )
    if header.file_size != file_size:
        raise SnapshotFormatError(
            f"the snapshot has {file_size} bytes instead of {header.file_size}",
            remedy="Copy it again: it was cut or changed on the way.",
        )
    if (
        header.header_size < HEADER_SIZE
        or not _ENTRY.size <= header.entry_size <= _ENTRY_MAX
        or header.section_count > _SECTIONS_MAX
        or header.front_size > file_size
    ):
        raise SnapshotFormatError("the snapshot's header makes no sense")
    return header


def unpack_table(header: Header, front: bytes) -> dict[str, Section]:
    """Return the sections by name from the ``header.front_size`` bytes ``front``.

    Raises SnapshotFormatError on a wrong checksum, a name that stands twice, or a
    section outside the file.
    """
    blank = bytearray(front)
    blank[_CHECKSUM] = bytes(4)
    if zlib.crc32(blank) != header.checksum:
        raise SnapshotFormatError("the checksum of the snapshot's header is wrong")
    sections: dict[str, Section] = {}
    for index in range(header.section_count):
        offset = header.header_size + index * header.entry_size
        raw, *numbers = _ENTRY.unpack_from(front, offset)
        section = Section(raw.rstrip(b"\0").decode("latin-1"), *numbers)
        inside = (
            header.front_size
            <= section.offset
            <= header.file_size - section.stored_size
        )
        if section.name in sections or not inside:
            raise SnapshotFormatError(
                f"section {section.name!r} of the snapshot is misplaced"
            )
        sections[section.name] = section
    return sections
