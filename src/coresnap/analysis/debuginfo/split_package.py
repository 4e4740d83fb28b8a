"""Packages of split debug information (.dwp), one unit at a time.

A package holds the sections of many .dwo files, joined, and an index that tells by a
unit's id which parts are its own (DWARF 5, 7.3.5.3; before that GNU's "DebugFission").
libdw learned to read them in 0.191, so that one unit is taken out here, and written
into a file of its own as the compiler had made it. Counts, offsets and sizes are
checked before they are believed.
"""

from __future__ import annotations

import contextlib
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path

import msgspec

from coresnap.elfcore.elffile import ElfFile, open_elf
from coresnap.elfcore.elfwriter import anonymous_file, write_sections
from coresnap.errors import InputError

__all__ = ["SplitPackage", "open_package"]

_NEW, _OLD = 5, 2
_COLUMNS = {
    _NEW: {
        1: ".debug_info.dwo",
        3: ".debug_abbrev.dwo",
        4: ".debug_line.dwo",
        5: ".debug_loclists.dwo",
        6: ".debug_str_offsets.dwo",
        8: ".debug_rnglists.dwo",
    },
    _OLD: {
        1: ".debug_info.dwo",
        2: ".debug_types.dwo",
        3: ".debug_abbrev.dwo",
        4: ".debug_line.dwo",
        5: ".debug_loc.dwo",
        6: ".debug_str_offsets.dwo",
    },
}
"""DW_SECT_*: what is needed of it. Macros are not."""
_STRINGS, _STRING_OFFSETS = ".debug_str.dwo", ".debug_str_offsets.dwo"
_ABBREVIATIONS = ".debug_abbrev.dwo"
_UNIT_LIMIT = 1 << 22
_STRINGS_LIMIT = 1 << 28
_OFFSETS_HEADER = 8
"""Of .debug_str_offsets in DWARF 5, 32-bit format: length, version, padding."""

Row = dict[str, tuple[int, int]]
"""Section to offset and size of the part."""


class _Index(msgspec.Struct, frozen=True, eq=False):
    """.debug_cu_index or .debug_tu_index."""

    data: memoryview
    order: str
    version: int
    columns: int
    units: int
    slots: int

    @classmethod
    def read(cls, elf: ElfFile, name: str) -> _Index | None:
        """The index; None if there is none, or it makes no sense."""
        section = elf.section(name)
        if section is None:
            return None
        data = elf.section_data(section)
        order = ">" if elf.byte_order == "big" else "<"
        if len(data) < 16:
            return None
        half = struct.unpack_from(order + "H", data)[0]
        version, columns, units, slots = struct.unpack_from(order + "IIII", data)
        version = _NEW if half == _NEW else version
        size = 16 + 12 * slots + 4 * columns * (2 * units + 1)
        is_power = slots > 0 and slots & (slots - 1) == 0
        if version not in _COLUMNS or columns > 16 or units > _UNIT_LIMIT:
            return None
        if not is_power or size > len(data):
            return None
        return cls(data, order, version, columns, units, slots)

    def row(self, signature: int) -> int | None:
        """The row of a unit, 1 for the first: an open hash table with double steps."""
        mask = self.slots - 1
        slot = signature & mask
        step = ((signature >> 32) & mask) | 1
        for _ in range(self.slots):
            at = 16 + 8 * slot
            number = self._word(16 + 8 * self.slots + 4 * slot)
            if number == 0:
                return None
            if struct.unpack_from(self.order + "Q", self.data, at)[0] == signature:
                return number if number <= self.units else None
            slot = (slot + step) & mask
        return None

    def parts(self, number: int) -> Row:
        """Which parts of the sections a row stands for."""
        names = _COLUMNS[self.version]
        table = 16 + 12 * self.slots
        found: Row = {}
        for column in range(self.columns):
            name = names.get(self._word(table + 4 * column))
            if name is not None:
                offset = table + 4 * (self.columns * number + column)
                size = offset + 4 * self.columns * self.units
                found[name] = (self._word(offset), self._word(size))
        return found

    def _word(self, at: int) -> int:
        word: int = struct.unpack_from(self.order + "I", self.data, at)[0]
        return word


def open_package(path: Path) -> SplitPackage:
    """Open ``path``; raises as ``open_elf``, and ``InputError`` without an index."""
    elf = open_elf(path)
    index = _Index.read(elf, ".debug_cu_index")
    if index is None:
        raise InputError(f"{path} has no index of units that can be read")
    return SplitPackage(elf, index, _Index.read(elf, ".debug_tu_index"))


class SplitPackage:
    """An open package."""

    def __init__(self, elf: ElfFile, units: _Index, types: _Index | None) -> None:
        self._elf = elf
        self._units = units
        self._types = types
        self._sections: dict[str, memoryview] = {}

    def has(self, unit_id: int) -> bool:
        """Whether the unit is in the package."""
        return self._units.row(unit_id) is not None

    @contextlib.contextmanager
    def unit(self, unit_id: int) -> Iterator[str]:
        """Yield the path of a file with one unit, as long as it is needed.

        Raises ``InputError`` if the unit is not there, or damaged.
        """
        number = self._units.row(unit_id)
        if number is None:
            raise InputError("does not hold the unit")
        parts = self._units.parts(number)
        sections: dict[str, bytes | memoryview] = {
            name: self._slice(name, *part) for name, part in parts.items()
        }
        for name, data in self._type_units(parts).items():
            sections[name] = bytes(sections.get(name, b"")) + data
        if _STRING_OFFSETS in sections:
            strings = self._compact(bytes(sections[_STRING_OFFSETS]))
            sections[_STRING_OFFSETS], sections[_STRINGS] = strings
        with anonymous_file("split-unit") as (descriptor, path):
            write_sections(descriptor, self._elf.header, sections)
            yield path

    def _type_units(self, unit: Row) -> dict[str, bytes]:
        """Types that came from the same object: others number their strings anew."""
        found: dict[str, bytes] = {}
        if self._types is None:
            return found
        same = (_ABBREVIATIONS, _STRING_OFFSETS)
        for number in range(1, self._types.units + 1):
            parts = self._types.parts(number)
            if any(parts.get(name) != unit.get(name) for name in same):
                continue
            for name in (".debug_info.dwo", ".debug_types.dwo"):
                if name in parts:
                    data = bytes(self._slice(name, *parts[name]))
                    found[name] = found.get(name, b"") + data
        return found

    def _section(self, name: str) -> memoryview:
        data = self._sections.get(name)
        if data is None:
            section = self._elf.section(name)
            data = memoryview(b"")
            if section is not None:
                data = self._elf.section_data(section)
            self._sections[name] = data
        return data

    def _slice(self, name: str, offset: int, size: int) -> memoryview:
        return self._section(name)[offset : offset + size]

    def _compact(self, offsets: bytes) -> tuple[bytes, bytes]:
        """The unit's own strings, and their numbers as offsets into those.

        All strings of a package may be gigabytes; a unit's are a few.
        """
        head = _OFFSETS_HEADER if self._units.version == _NEW else 0
        words = array("I", offsets[head : len(offsets) - (len(offsets) - head) % 4])
        swap = (self._units.order == ">") != (struct.pack("=H", 1) == b"\0\1")
        if swap:
            words.byteswap()
        strings, places = bytearray(), dict[int, int]()
        source = self._section(_STRINGS)
        for index, offset in enumerate(words):
            place = places.get(offset)
            if place is None:
                place = places[offset] = len(strings)
                strings += _string(source, offset)
                if len(strings) > _STRINGS_LIMIT:
                    raise InputError("the strings of the unit are larger than 256 MiB")
            words[index] = place
        if swap:
            words.byteswap()
        return offsets[:head] + words.tobytes(), bytes(strings)


def _string(data: memoryview, offset: int) -> bytes:
    """The string at an offset, with its NUL."""
    size = 64
    while True:
        piece = bytes(data[offset : offset + size])
        end = piece.find(b"\0")
        if end >= 0:
            return piece[: end + 1]
        if len(piece) < size:
            return piece + b"\0"
        size *= 8
