"""Where a module's symbols say that the radix tree is."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator

import msgspec

from coresnap.elfcore.corefile import LoadedModule
from coresnap.elfcore.elffile import SymbolEntries

__all__ = ["RootSymbol", "root_symbol"]

_NAMES = (b"arena_emap_global\0", b"extents_rtree\0")
"""5.3, and 5.0 to 5.2; after a prefix: ``je_``, none, ``__je_`` in FreeBSD's libc."""
_PREFIXES = (b"je_", b"", b"__je_", b"_rjem_je_")
_SYMBOL = struct.Struct("<IBBHQQ")


class RootSymbol(msgspec.Struct, frozen=True):
    """Addresses of the variable that the root is a member of."""

    start: int
    end: int
    is_dynamic: bool
    """It is in .dynsym, which stripping leaves."""


def root_symbol(module: LoadedModule) -> RootSymbol | None:
    """What the symbol tables of the module's file say; None if they don't."""
    if module.elf is None:
        return None
    for table in module.elf.symbol_entries():
        for value, size in _symbols(table):
            start = module.load_bias + value
            return RootSymbol(start, start + size, table.dynamic)
    return None


def _symbols(table: SymbolEntries) -> Iterator[tuple[int, int]]:
    """Link-time address and size of every symbol of one of the names.

    A table may have a million entries: names are looked for among the strings, and
    entries by the name's offset, none of it in a loop of Python's.
    """
    strings = bytes(table.strings)
    entries = table.entries[: len(table.entries) // _SYMBOL.size * _SYMBOL.size]
    offsets = array("I", bytes(entries))[:: _SYMBOL.size // 4]
    for name in _NAMES:
        at = strings.find(name)
        while at >= 0:
            for prefix in _PREFIXES:
                start = at - len(prefix)
                if start >= 0 and strings[start:at] == prefix and start in offsets:
                    entry = offsets.index(start) * _SYMBOL.size
                    fields = _SYMBOL.unpack_from(entries, entry)
                    yield fields[4], fields[5]
            at = strings.find(name, at + 1)
