"""Addresses of functions in test programs."""

from __future__ import annotations

from pathlib import Path

from coresnap.elfcore.elffile import open_elf

__all__ = ["address_of"]


def address_of(program: Path, name: bytes) -> int:
    """Link-time address of a symbol, by this test's own reading of the table."""
    elf = open_elf(program)
    for table in elf.symbol_entries():
        entries, strings = bytes(table.entries), bytes(table.strings)
        for at in range(0, len(entries), 24):
            start = int.from_bytes(entries[at : at + 4], "little")
            if strings[start : strings.index(b"\0", start)] == name:
                return int.from_bytes(entries[at + 8 : at + 16], "little")
    raise AssertionError(f"no symbol {name!r} in {program}")
