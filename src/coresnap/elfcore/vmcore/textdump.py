"""Text dumps: a tar archive of what the kernel said (textdump(4))."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from coresnap.errors import CoreFormatError

__all__ = ["in_order", "looks_like_textdump", "read_textdump"]

_NAMES = ("ddb.txt", "config.txt", "msgbuf.txt", "panic.txt", "version.txt")
_FILE_LIMIT = 16 << 20
_MEMBERS_LIMIT = 64
_ARCHIVE_LIMIT = 64 << 20
_BLOCK = 512


def looks_like_textdump(data: bytes) -> bool:
    """Whether the first 512 bytes are of a tar archive that begins with such a text."""
    return data[257:262] == b"ustar" and data.split(b"\0")[0].decode(
        "ascii", "replace"
    ) in {*_NAMES}


def in_order(data: memoryview) -> memoryview:
    """Return the archive that ``data``, what stands on the device, holds.

    The kernel does not know its size beforehand, so the last block comes first
    (``sys/ddb/db_textdump.c``). Of a huge one only the beginning is returned.
    """
    part = data[-min(len(data), _ARCHIVE_LIMIT) :]
    starts = range(len(part) - _BLOCK, -1, -_BLOCK)
    return memoryview(b"".join(part[start : start + _BLOCK] for start in starts))


def read_textdump(data: memoryview) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the texts by name, and what is wrong; nothing is unpacked anywhere.

    Raises ``CoreFormatError`` if not one of them is there.
    """
    texts: dict[str, str] = {}
    problems: list[str] = []
    try:
        with tarfile.open(
            fileobj=io.BytesIO(data[:_ARCHIVE_LIMIT]), mode="r:"
        ) as archive:
            for _ in range(_MEMBERS_LIMIT):
                member = archive.next()
                if member is None:
                    break
                if member.name in _NAMES and member.isreg():
                    texts[member.name] = _text(data, member, problems)
    except (tarfile.TarError, ValueError) as error:
        problems.append(f"the archive is damaged: {error}")
    if not texts:
        raise CoreFormatError("the text dump holds none of its files")
    return texts, tuple(problems)


def _text(data: memoryview, member: tarfile.TarInfo, problems: list[str]) -> str:
    size = min(member.size, _FILE_LIMIT)
    found = bytes(data[member.offset_data : member.offset_data + size])
    if len(found) < member.size:
        problems.append(f"{member.name} is cut: {len(found)} of {member.size} bytes")
    return found.replace(b"\0", b"").decode("utf-8", "backslashreplace")
