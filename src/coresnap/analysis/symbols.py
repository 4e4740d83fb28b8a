"""Names from symbol tables: what is left when there is no debug information.

.symtab, .dynsym, and the minidebuginfo that distributions put into .gnu_debugdata (an
xz-compressed ELF file with the functions that .dynsym lacks).
"""

from __future__ import annotations

import itertools
import re
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import msgspec

from coresnap.elfcore.elffile import ElfFile, SymbolEntries, string_at
from coresnap.elfcore.minidebuginfo import minidebuginfo
from coresnap.model import Search

__all__ = ["Symbol", "SymbolTable"]

_SYMBOL_LIMIT = 4_000_000
_LOOK_BACK = 64
_SAME_NAME_LIMIT = 1000
"""Strings that end in one name."""
_FEW_OFFSETS = 8
"""More than a linker makes; the symbols are searched for each."""
_UNDEFINED = 0
_NO_TYPE, _OBJECT, _FUNCTION, _TLS, _INDIRECT_FUNCTION = 0, 1, 2, 6, 10
_KEPT_TYPES = frozenset({_NO_TYPE, _OBJECT, _FUNCTION, _INDIRECT_FUNCTION})
_LOCAL, _GLOBAL, _WEAK, _UNIQUE = 0, 1, 2, 10
_BINDING_ORDER = {_GLOBAL: 0, _UNIQUE: 0, _WEAK: 1, _LOCAL: 2}
_EM_ARM = 40


_Row: TypeAlias = tuple[int, int, int, int, SymbolEntries]
"""Address, rank of its binding, minus its size, offset of its name, its table."""
_Fields: TypeAlias = tuple[int, int, int, int, int]
"""Offset of the name, info, section, value, size."""


class Symbol(msgspec.Struct, frozen=True, eq=False):
    """One named address range of a file."""

    name: str
    """As the linker knows it, without a version."""
    address: int
    """Link-time address."""
    size: int
    """0: the symbol does not say, it ends where the next one begins."""


class SymbolTable(msgspec.Struct, eq=False):
    """Symbols of one file by address; sorted when the first one is asked for."""

    elf: ElfFile
    entries: Callable[[], Iterator[SymbolEntries]] | None = None
    """Where they are read from, if not from ``elf``."""
    _addresses: list[int] | None = None
    _symbols: list[tuple[int, int, int, int, SymbolEntries]] = msgspec.field(
        default_factory=list
    )
    sources: list[str] = msgspec.field(default_factory=list)
    """Which of symtab, dynsym and minidebuginfo were there, once it is sorted."""

    @property
    def kind(self) -> str:
        """``symtab``, ``dynsym`` or ``none``: the best that there is."""
        self._sorted()
        if "symtab" in self.sources or "minidebuginfo" in self.sources:
            return "symtab"
        return "dynsym" if self.sources else "none"

    def find(self, address: int) -> Symbol | None:
        """The symbol that covers link-time ``address``.

        Of several at one address a global one is taken before a weak and a local one;
        a symbol without a size reaches to the next one.
        """
        addresses = self._sorted()
        index = bisect_right(addresses, address) - 1
        # An inner symbol may end before the address that an outer one still covers,
        # and a label without a size may stand within a function.
        for candidate in range(index, max(-1, index - _LOOK_BACK), -1):
            start, _, negative_size, _, _ = self._symbols[candidate]
            if address < start - negative_size:
                return self._symbol(self._preferred(candidate, address))
        if index >= 0 and self._symbols[index][2] == 0:
            return self._symbol(self._preferred(index, address))
        return None

    def names(self, address: int) -> Iterator[str]:
        """Names of all symbols that begin at link-time ``address``."""
        addresses = self._sorted()
        first = bisect_left(addresses, address)
        for index in range(first, min(first + _LOOK_BACK, len(addresses))):
            if addresses[index] != address:
                break
            yield self._symbol(index).name

    def address(self, name: str) -> int | None:
        """Link-time address of what the linker calls ``name``: the strongest symbol.

        None if there is none, or several as strong ones. Symbols are not sorted for it.
        """
        found: set[tuple[int, int]] = set()
        for elf, entries in self._tables():
            named = _rows_named(elf, entries.entries, _offsets(entries, name))
            found.update((row[1], row[0]) for row in _kept(elf, entries, named))
        strongest = min(found, default=(0, 0))[0]
        addresses = [address for order, address in found if order == strongest]
        return addresses[0] if len(addresses) == 1 else None

    def _preferred(self, candidate: int, address: int) -> int:
        """The best of those that begin where the candidate begins."""
        start = self._symbols[candidate][0]
        best = candidate
        while candidate >= 0 and self._symbols[candidate][0] == start:
            size = -self._symbols[candidate][2]
            if size == 0 or address < start + size:
                best = candidate
            candidate -= 1
        return best

    def _symbol(self, index: int) -> Symbol:
        start, _, negative_size, name, entries = self._symbols[index]
        text = string_at(entries.strings, name)
        return Symbol(text.partition("@")[0] or text, start, -negative_size)

    def searches(self) -> tuple[Search, ...]:
        """What became of its minidebuginfo, or of what memory has, if it was needed."""
        if self.entries is not None:
            found = "used for dynamic symbols" if self.sources else "no dynamic symbols"
            return (Search("executable", "[core]", found),)
        inner = None if self._addresses is None else minidebuginfo(self.elf)
        if inner is None:
            return ()
        return (Search("debugdata", str(self.elf.path), inner.problem or "used"),)

    def _sorted(self) -> list[int]:
        if self._addresses is None:
            # Ascending address; of equal ones the best binding and the largest first.
            self._symbols = sorted(self._collect(), key=lambda symbol: symbol[:4])
            self._addresses = [symbol[0] for symbol in self._symbols]
        return self._addresses

    def _collect(self) -> Iterator[_Row]:
        for elf, entries in self._tables():
            if elf is not self.elf:
                self.sources.append("minidebuginfo")
            else:
                self.sources.append("dynsym" if entries.dynamic else "symtab")
            yield from _kept(elf, entries, _rows(elf, entries.entries))

    def _tables(self) -> Iterator[tuple[ElfFile, SymbolEntries]]:
        for entries in (self.entries or self.elf.symbol_entries)():
            yield self.elf, entries
        inner = minidebuginfo(self.elf)
        if inner is not None and inner.elf is not None:
            for entries in inner.elf.symbol_entries():
                yield inner.elf, entries


def _kept(
    elf: ElfFile, entries: SymbolEntries, rows: Iterable[_Fields]
) -> Iterator[_Row]:
    thumb = elf.header.machine == _EM_ARM
    for name, info, section, value, size in rows:
        kind = info & 0xF
        if section == _UNDEFINED or kind not in _KEPT_TYPES or not name:
            continue
        if not value or (kind == _NO_TYPE and _is_mapping_symbol(entries, name)):
            continue
        address = value & ~1 if thumb and kind == _FUNCTION else value
        order = _BINDING_ORDER.get(info >> 4, 3) + (4 if kind == _NO_TYPE else 0)
        yield address, order, -size, name, entries


def _offsets(entries: SymbolEntries, name: str) -> frozenset[int]:
    """Where ``name`` stands among the strings, alone or as the end of another one,
    with or without a version."""
    pattern = re.escape(name.encode("utf-8", "surrogateescape")) + rb"(?=[\0@])"
    found = re.finditer(pattern, entries.strings)
    return frozenset(at.start() for at in itertools.islice(found, _SAME_NAME_LIMIT))


def _is_mapping_symbol(entries: SymbolEntries, name: int) -> bool:
    """``$a``, ``$d``, ``$t``, ``$x``: marks of ARM and RISC-V, not names."""
    return bytes(entries.strings[name : name + 1]) == b"$"


def _rows_named(
    elf: ElfFile, data: memoryview, offsets: frozenset[int]
) -> Iterator[_Fields]:
    """Those of ``_rows`` whose name is at one of ``offsets``."""
    if len(offsets) > _FEW_OFFSETS:
        yield from (row for row in _rows(elf, data) if row[0] in offsets)
        return
    # To decode the ten thousand symbols of a libc takes 5 ms.
    layout = _layout(elf)
    searched = bytes(data[: _SYMBOL_LIMIT * layout.size])
    for offset in offsets:
        field = struct.pack(layout.format[0] + "I", offset)
        at = searched.find(field)
        while at >= 0:
            start = at - at % layout.size
            if at == start:
                yield from _rows(elf, data[start : start + layout.size])
            at = searched.find(field, start + layout.size)


def _rows(elf: ElfFile, data: memoryview) -> Iterator[_Fields]:
    layout = _layout(elf)
    count = min(len(data) // layout.size, _SYMBOL_LIMIT)
    wide = elf.pointer_size == 8
    for row in layout.iter_unpack(data[: count * layout.size]):
        if wide:
            name, info, _, section, value, size = row
        else:
            name, value, size, info, _, section = row
        yield name, info, section, value, size


def _layout(elf: ElfFile) -> struct.Struct:
    """Of a symbol, which begins with its name's offset in both classes."""
    order = ">" if elf.byte_order == "big" else "<"
    return struct.Struct(order + ("IBBHQQ" if elf.pointer_size == 8 else "IIIBBH"))
