"""Where a module defines a name: one look into its symbol tables, without sorting them.

``symbols.SymbolTable`` answers what is at an address and sorts all symbols for that.
Who only needs a variable of a library by its name looks here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.elfcore.elffile import ElfFile, SymbolEntries
from coresnap.elfcore.memory_symbols import memory_symbols

if TYPE_CHECKING:
    from coresnap.elfcore.memory import Memory
    from coresnap.elfcore.modules import LoadedModule

__all__ = ["symbol_address"]

_ABSOLUTE = 0xFFF1
_TLS = 6
_MOST_CANDIDATES = 64
"""Places in a string table where one name ends a string."""


def symbol_address(module: LoadedModule, name: str, memory: Memory) -> int | None:
    """Run-time address of what ``module`` defines as ``name``.

    None if it does not, or if the name is thread-local, whose value is an offset. The
    module's file is asked first, else what the core holds of its dynamic symbols.
    """
    for elf, entries in _tables(module, memory):
        value = _value(elf, entries, name.encode())
        if value is not None:
            return module.load_bias + value
    return None


def _tables(
    module: LoadedModule, memory: Memory
) -> Iterator[tuple[ElfFile, SymbolEntries]]:
    if module.elf is not None:
        for entries in module.elf.symbol_entries():
            yield module.elf, entries
    elif module.image is not None:
        for entries in memory_symbols(module.image, module.load_bias, memory):
            yield module.image, entries


def _value(elf: ElfFile, entries: SymbolEntries, name: bytes) -> int | None:
    strings, rows = bytes(entries.strings), bytes(entries.entries)
    size = 24 if elf.pointer_size == 8 else 16
    for offset in _name_offsets(strings, name):
        wanted = offset.to_bytes(4, elf.byte_order)
        at = rows.find(wanted)
        while at >= 0:
            if at % size == 0 and (value := _defined(elf, rows[at : at + size])):
                return value
            at = rows.find(wanted, at + 1)
    return None


def _name_offsets(strings: bytes, name: bytes) -> Iterator[int]:
    """Where the name stands, as a whole string or as the end of another one."""
    at = -1
    for _ in range(_MOST_CANDIDATES):
        at = strings.find(name + b"\0", at + 1)
        if at < 0:
            return
        yield at


def _defined(elf: ElfFile, row: bytes) -> int | None:
    """The value of a symbol (gABI, "Symbol Table"); None if it is defined elsewhere."""
    wide = elf.pointer_size == 8
    info, section, value = (4, 6, 8) if wide else (12, 14, 4)
    if len(row) < (24 if wide else 16) or row[info] & 0xF == _TLS:
        return None
    index = int.from_bytes(row[section : section + 2], elf.byte_order)
    if index in (0, _ABSOLUTE):
        return None
    return int.from_bytes(row[value : value + elf.pointer_size], elf.byte_order)
