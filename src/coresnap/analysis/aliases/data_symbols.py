"""Names of data: symbols of variables, also of each thread's own.

Function symbols are not looked at, so that a large program's table is read in one
pass without being sorted.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator

import msgspec

from coresnap.elfcore.elffile import SymbolEntries, string_at

__all__ = ["DataSymbol", "DataSymbols"]

_OBJECT, _TLS = 1, 6
_SYMBOL_LIMIT = 2_000_000
_BYTES = 24, 16
"""Of an entry in 64-bit and in 32-bit files."""


class DataSymbol(msgspec.Struct, frozen=True, order=True):
    """A named piece of data."""

    address: int
    """Link-time address; of a thread's own data, offset in the module's block."""
    size: int
    name: str


class DataSymbols:
    """The data symbols of one module."""

    def __init__(
        self, tables: Iterable[SymbolEntries], pointer_size: int, byte_order: str
    ) -> None:
        found: dict[int, list[DataSymbol]] = {_OBJECT: [], _TLS: []}
        for table in tables:
            for kind, symbol in _read(table, pointer_size, byte_order):
                found[kind].append(symbol)
        self._objects = sorted(found[_OBJECT])
        self._own = sorted(found[_TLS])

    def object(self, address: int) -> DataSymbol | None:
        """The variable that covers a link-time address."""
        return _find(self._objects, address)

    def thread_local(self, offset: int) -> DataSymbol | None:
        """The variable that covers an offset in a thread's block."""
        return _find(self._own, offset)


def _find(symbols: list[DataSymbol], address: int) -> DataSymbol | None:
    index = bisect_right(symbols, address, key=lambda symbol: symbol.address) - 1
    while index >= 0:
        symbol = symbols[index]
        if address < symbol.address + max(symbol.size, 1):
            return symbol
        # A name without a size stands at the same place as one with it.
        if symbol.size or symbol.address + 8 < address:
            return None
        index -= 1
    return None


def _read(
    table: SymbolEntries, pointer_size: int, byte_order: str
) -> Iterator[tuple[int, DataSymbol]]:
    order = ">" if byte_order == "big" else "<"
    wide = pointer_size == 8
    layout = struct.Struct(order + ("I4xQQ" if wide else "IIII"))
    size, kind_at = (_BYTES[0], 4) if wide else (_BYTES[1], 12)
    count = min(len(table.entries) // size, _SYMBOL_LIMIT)
    # st_info of all entries at once: most symbols are functions.
    kinds = bytes(table.entries[: count * size])[kind_at::size]
    for index, info in enumerate(kinds):
        kind = info & 0xF
        if kind not in (_OBJECT, _TLS):
            continue
        if wide:
            name, value, length = layout.unpack_from(table.entries, index * size)
        else:
            name, value, length, _ = layout.unpack_from(table.entries, index * size)
        section = _section(table.entries, index * size + kind_at + 2, order)
        if section and name:
            yield kind, DataSymbol(value, length, _named(table, name))


def _section(entries: memoryview, at: int, order: str) -> int:
    section: int = struct.unpack_from(order + "H", entries, at)[0]
    return section


def _named(table: SymbolEntries, name: int) -> str:
    text = string_at(table.strings, name)
    return text.partition("@")[0] or text
