"""Looks up a few names in symbol tables that may have a million.

Names are looked for among the strings, and entries by the offset of the name: neither
is a loop of Python's. ``symbols.SymbolTable`` sorts all of them, which pays where many
are asked for.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator

from coresnap.elfcore.elffile import SymbolEntries

__all__ = ["defined_symbols"]

_ENTRY = struct.Struct("<IBBHQQ")
"""Elf64_Sym: name, info, other, section, value, size."""
_UNDEFINED = 0


def defined_symbols(
    table: SymbolEntries, names: Iterable[bytes]
) -> Iterator[tuple[int, int]]:
    """Link-time address and size of symbols with one of these names, in a 64-bit,
    little-endian file. What is only used there is left out."""
    strings = bytes(table.strings)
    present = [name for name in names if name + b"\0" in strings]
    if not present:
        return
    entries = table.entries[: len(table.entries) // _ENTRY.size * _ENTRY.size]
    offsets = array("I", bytes(entries))[:: _ENTRY.size // 4]
    for name in present:
        at = strings.find(name + b"\0")
        while at >= 0:
            # Of a longer name's end there may be no entry.
            if at in offsets:
                entry = offsets.index(at) * _ENTRY.size
                _, _, _, section, value, size = _ENTRY.unpack_from(entries, entry)
                if section != _UNDEFINED:
                    yield value, size
            at = strings.find(name + b"\0", at + 1)
