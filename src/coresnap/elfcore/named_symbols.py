"""Addresses of a few named symbols of an ELF file, without sorting all of them."""

from __future__ import annotations

import re
import struct
from collections.abc import Collection

from coresnap.elfcore.elffile import ElfFile

__all__ = ["symbol_addresses"]

_SYMBOLS_LIMIT = 1 << 20


def symbol_addresses(elf: ElfFile, names: Collection[str]) -> dict[str, int]:
    """Return the link-time addresses of those of ``names`` that the file defines."""
    order = ">" if elf.byte_order == "big" else "<"
    wide = elf.pointer_size == 8
    entry = struct.Struct(order + ("IBBHQQ" if wide else "IIIBBH"))
    found: dict[str, int] = {}
    for table in elf.symbol_entries():
        wanted = _name_offsets(bytes(table.strings), names)
        if not wanted:
            continue
        count = min(len(table.entries) // entry.size, _SYMBOLS_LIMIT)
        for fields in entry.iter_unpack(table.entries[: count * entry.size]):
            if fields[0] not in wanted:
                continue
            section, value = (fields[3], fields[4]) if wide else (fields[5], fields[1])
            if section and value:
                found.setdefault(wanted[fields[0]], value)
                if len(found) == len(names):
                    return found
    return found


def _name_offsets(strings: bytes, names: Collection[str]) -> dict[int, str]:
    """Where in a string table the names stand, also as the ends of longer ones.

    A file has a hundred thousand symbols: their names are not all read.
    """
    return {
        match.start(): name
        for name in names
        for match in re.finditer(re.escape(name.encode()) + rb"\0", strings)
    }
