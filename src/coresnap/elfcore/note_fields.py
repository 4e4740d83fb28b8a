"""Fields that the notes of several systems have in the same form."""

from __future__ import annotations

import struct

from coresnap.elfcore.elfheader import ElfHeader

__all__ = ["read_auxv", "read_text"]

AT_NULL = 0


def read_text(data: memoryview) -> str:
    """Text up to its NUL; what is not UTF-8 is escaped."""
    raw = bytes(data)
    end = raw.find(b"\0")
    return raw[: end if end >= 0 else None].decode("utf-8", "backslashreplace")


def read_auxv(data: memoryview, header: ElfHeader) -> dict[int, int]:
    """The auxiliary vector: pairs of words, AT_* and value (System V psABI)."""
    word = struct.Struct(
        (">" if header.byte_order == "big" else "<")
        + ("QQ" if header.pointer_size == 8 else "II")
    )
    auxv: dict[int, int] = {}
    for kind, value in word.iter_unpack(data[: len(data) // word.size * word.size]):
        if kind == AT_NULL:
            break
        auxv.setdefault(kind, value)
    return auxv
