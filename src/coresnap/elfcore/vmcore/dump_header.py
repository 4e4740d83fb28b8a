"""struct kerneldumpheader: the block before and behind a dump on its device.

``sys/sys/kerneldump.h``: 512 bytes, numbers big-endian, parity over all words. Version
4 (FreeBSD 12) put a key's size before the block size and a compression behind the
panic string.
"""

from __future__ import annotations

import struct

import msgspec

from coresnap.elfcore.vmcore.dump_info import DumpInfo

__all__ = ["HEADER_SIZE", "TEXT_MAGIC", "DumpHeader", "parse_dump_header"]

HEADER_SIZE = 512
TEXT_MAGIC = "FreeBSD Text Dump"
_CLEARED = b"Cleared Kernel Dump"
_MAGICS = (b"FreeBSD Kernel Dump", TEXT_MAGIC.encode(), _CLEARED)
_COMPRESSIONS = {0: "none", 1: "gzip", 2: "zstd"}


class DumpHeader(msgspec.Struct, frozen=True):
    """One header, and how much of the device its dump takes."""

    info: DumpInfo
    block_size: int
    extent: int
    """Bytes on the device, of which the last ones may be of no dump."""
    is_encrypted: bool = False


def parse_dump_header(data: bytes) -> DumpHeader | None:
    """Return what ``data``, 512 bytes, says; None if it is no header, or damaged."""
    if len(data) < HEADER_SIZE or not data.startswith(_MAGICS):
        return None
    parity = 0
    for (word,) in struct.iter_unpack("<I", data[:HEADER_SIZE]):
        parity ^= word
    if parity:
        return None
    version, architecture_version = struct.unpack_from(">II", data, 32)
    length, time = struct.unpack_from(">QQ", data, 40)
    is_new = version >= 4
    key_size = struct.unpack_from(">I", data, 56)[0] if is_new else 0
    (parity_word,) = struct.unpack_from("<I", data, 508)
    (block_size,) = struct.unpack_from(">I", data, 60 if is_new else 56)
    start = 64 if is_new else 60
    panic_size = 175 if is_new else 192
    extent = struct.unpack_from(">Q", data, 496)[0] if is_new else 0
    info = DumpInfo(
        architecture=_text(data, 20, 12),
        architecture_version=architecture_version,
        length=length,
        compression=_COMPRESSIONS.get(data[495], "unknown") if is_new else "none",
        time=time,
        hostname=_text(data, start, 64),
        magic=_text(data, 0, 20),
        version=_text(data, start + 64, 192).strip(),
        panic=_text(data, start + 256, panic_size).strip(),
        status="cleared" if data.startswith(_CLEARED) else "good",
        block_size=block_size,
        parity=parity_word,
    )
    return DumpHeader(info, block_size, extent or length, bool(key_size))


def _text(data: bytes, offset: int, size: int) -> str:
    raw = data[offset : offset + size].split(b"\0")[0]
    return raw.decode("utf-8", "backslashreplace")
