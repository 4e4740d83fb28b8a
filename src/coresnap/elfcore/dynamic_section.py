"""The dynamic section: what the linker tells the dynamic linker about a module.

System V gABI, "Dynamic Section": pairs of words, a tag and a value, up to DT_NULL. It
lies among the data, so that a core without program text has it, too.
"""

from __future__ import annotations

import functools
import struct

import msgspec

from coresnap.elfcore.elffile import PT_DYNAMIC, ElfFile
from coresnap.elfcore.elfheader import ByteOrder
from coresnap.elfcore.memory import Memory

__all__ = ["DynamicSection", "dynamic_of_file", "find_dynamic", "read_dynamic"]

DT_NULL, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_DEBUG = 0, 5, 6, 10, 11, 21
_STRINGS_LIMIT = 1 << 31
_SYMBOL_SIZES = {4: 16, 8: 24}
_ENTRY_LIMIT = 1024
_TAGS = (range(1, 0x30), range(0x60000000, 0x80000000))


class DynamicSection(msgspec.Struct, frozen=True, eq=False):
    """One dynamic section."""

    address: int
    entries: tuple[tuple[int, int], ...]
    """Tag and value, without the DT_NULL; fewer if their memory is not there."""

    def value(self, tag: int) -> int | None:
        """The value of the first entry with this tag."""
        return next((value for found, value in self.entries if found == tag), None)


def read_dynamic(memory: Memory, address: int) -> DynamicSection:
    """Read the section at ``address``, as far as it is there."""
    size = 2 * memory.pointer_size * _ENTRY_LIMIT
    data = memory.read_some(address, size)
    return _section(address, data, memory.pointer_size, memory.byte_order)


def dynamic_of_file(elf: ElfFile) -> DynamicSection | None:
    """The section as the linker wrote it; None for a static program."""
    segment = elf.segment(PT_DYNAMIC)
    if segment is None:
        return None
    data = elf.data[segment.offset : segment.offset + segment.filesz]
    header = elf.header
    return _section(segment.vaddr, data, header.pointer_size, header.byte_order)


def find_dynamic(memory: Memory, start: int, end: int) -> DynamicSection | None:
    """Find the section of a module whose headers are not there.

    Looks in what the core stores between two addresses for an entry that every section
    has, with the one value that it can have: the size of a symbol.
    """
    word = memory.pointer_size
    pair = _pair(word, memory.byte_order)
    wanted = pair.pack(DT_SYMENT, _SYMBOL_SIZES[word])
    for address, view in memory.stored_views(start, end):
        data = bytes(view)
        at = data.find(wanted)
        while at >= 0:
            first = _first_entry(data, at, pair) if at % word == 0 else at
            found = _section(address + first, data[first:], word, memory.byte_order)
            if _is_plausible(found, _SYMBOL_SIZES[word]):
                return found
            at = data.find(wanted, at + 1)
    return None


def _is_plausible(section: DynamicSection, symbol_size: int) -> bool:
    """Whether it is no table of a program's own that begins with small numbers."""
    size = section.value(DT_STRSZ)
    return (
        size is not None
        and 0 < size < _STRINGS_LIMIT
        and section.value(DT_SYMENT) == symbol_size
        and section.value(DT_STRTAB) is not None
        and section.value(DT_SYMTAB) is not None
    )


def _first_entry(data: bytes, at: int, pair: struct.Struct) -> int:
    first = at
    while first >= pair.size and at - first < _ENTRY_LIMIT * pair.size:
        tag, _ = pair.unpack_from(data, first - pair.size)
        if not any(tag in tags for tags in _TAGS):
            break
        first -= pair.size
    return first


@functools.cache
def _pair(word: int, byte_order: ByteOrder) -> struct.Struct:
    prefix = ">" if byte_order == "big" else "<"
    return struct.Struct(prefix + ("QQ" if word == 8 else "II"))


def _section(
    address: int, data: bytes | memoryview, word: int, byte_order: ByteOrder
) -> DynamicSection:
    pair = _pair(word, byte_order)
    entries: list[tuple[int, int]] = []
    whole = min(len(data) // pair.size, _ENTRY_LIMIT) * pair.size
    for tag, value in pair.iter_unpack(data[:whole]):
        if tag == DT_NULL:
            break
        entries.append((tag, value))
    return DynamicSection(address, tuple(entries))
