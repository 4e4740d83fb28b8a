"""Builds snapshot files byte by byte from ``docs/formats.md``.

Imports nothing of coresnap and shares no table with it: where reader and document
disagree, a test must fail.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

Value = None | bool | int | str | bytes | list["Value"] | dict[str, "Value"]


def message(value: Value) -> bytes:
    """MessagePack, always in the widest form that other writers may choose."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return struct.pack(">Bq", 0xD3, value)
    if isinstance(value, str):
        data = value.encode()
        return struct.pack(">BI", 0xDB, len(data)) + data
    if isinstance(value, bytes):
        return struct.pack(">BI", 0xC6, len(value)) + value
    if isinstance(value, list):
        return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(message, value))
    pairs = (message(key) + message(item) for key, item in value.items())
    return struct.pack(">BI", 0xDF, len(value)) + b"".join(pairs)


def raw_frame(data: bytes) -> bytes:
    """A zstd frame of one raw block (RFC 8878), so that no compressor is needed."""
    assert len(data) < 1 << 17
    # Frame header: single segment, content size in 4 bytes, no checksum, no dictionary.
    header = struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data))
    block = struct.pack("<I", len(data) << 3 | 1)[:3]
    return header + block + data


def container(
    sections: Mapping[str, bytes],
    *,
    magic: bytes = b"\x89CSNAP\r\n",
    major: int = 1,
    minor: int = 0,
    header_extra: bytes = b"",
    entry_extra: bytes = b"",
    codecs: Mapping[str, int] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> bytes:
    """A file of ``sections``: stored as they are with codec 0, framed with codec 1."""
    codecs, sizes = codecs or {}, sizes or {}
    stored = {
        name: raw_frame(data) if codecs.get(name, 1) == 1 else data
        for name, data in sections.items()
    }
    header_size, entry_size = 32 + len(header_extra), 48 + len(entry_extra)
    offset = header_size + entry_size * len(stored)
    table = b""
    for name, data in stored.items():
        table += struct.pack(
            "<16sQQQII",
            name.encode(),
            offset,
            len(data),
            sizes.get(name, len(sections[name])),
            zlib.crc32(data),
            codecs.get(name, 1),
        )
        table += entry_extra
        offset += len(data)
    fields = (magic, major, minor, len(stored), offset, header_size, entry_size)
    blank = struct.pack("<8sHHIQHHI", *fields, 0) + header_extra + table
    front = bytearray(blank)
    front[28:32] = struct.pack("<I", zlib.crc32(blank))
    return bytes(front) + b"".join(stored.values())
