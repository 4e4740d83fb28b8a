"""Addresses of a few named symbols of a kernel's ELF file."""

from __future__ import annotations

import struct
from collections.abc import Collection

from coresnap.elfcore.elffile import ElfFile, string_at

__all__ = ["symbol_addresses"]

_SYMBOLS_LIMIT = 1 << 20


def symbol_addresses(elf: ElfFile, names: Collection[str]) -> dict[str, int]:
    """Return the addresses of those of ``names`` that the file defines."""
    order = ">" if elf.byte_order == "big" else "<"
    wide = elf.pointer_size == 8
    entry = struct.Struct(order + ("IBBHQQ" if wide else "IIIBBH"))
    found: dict[str, int] = {}
    for table in elf.symbol_entries():
        count = min(len(table.entries) // entry.size, _SYMBOLS_LIMIT)
        for fields in entry.iter_unpack(table.entries[: count * entry.size]):
            section, value = (fields[3], fields[4]) if wide else (fields[5], fields[1])
            if not section or not value:
                continue
            name = string_at(table.strings, fields[0])
            if name in names:
                found.setdefault(name, value)
        if len(found) == len(names):
            break
    return found
