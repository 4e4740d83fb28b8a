"""The dynamic symbols of a library that is there only as the core holds it in memory.

A library that was deleted or replaced has no file any more; where the core has its
pages, the dynamic linker's own tables name its exported functions (System V gABI,
"Dynamic Section").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from coresnap.elfcore.elffile import PT_DYNAMIC, ElfFile, SymbolEntries
from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError

__all__ = ["memory_symbols"]

_DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 4, 5, 6, 10
_DYNAMIC_LIMIT = 1 << 14
_SYMBOL_LIMIT = 1 << 20
_STRING_LIMIT = 1 << 24


def memory_symbols(
    image: ElfFile, load_bias: int, memory: Memory
) -> Iterator[SymbolEntries]:
    """The symbol table, if the core holds it; ``image`` has the program headers."""
    tags = _dynamic_tags(image, load_bias, memory)
    if _DT_SYMTAB not in tags or _DT_STRTAB not in tags:
        return
    # glibc puts addresses of the process in place of link-time ones, on most machines.
    symbols, strings = (
        tags[tag] if tags[tag] >= load_bias else tags[tag] + load_bias
        for tag in (_DT_SYMTAB, _DT_STRTAB)
    )
    size = 24 if image.pointer_size == 8 else 16
    count = _count(tags, load_bias, memory)
    if count is None and strings > symbols:
        # Nobody else says how many there are; every linker puts the names next.
        count = (strings - symbols) // size
    entries = memory.read_some(symbols, size * min(count or 0, _SYMBOL_LIMIT))
    text = memory.read_some(strings, min(tags.get(_DT_STRSZ, 0), _STRING_LIMIT))
    if entries and text:
        yield SymbolEntries(memoryview(entries), memoryview(text), dynamic=True)


def _dynamic_tags(image: ElfFile, load_bias: int, memory: Memory) -> dict[int, int]:
    segment = image.segment(PT_DYNAMIC)
    if segment is None:
        return {}
    size = min(segment.memsz, _DYNAMIC_LIMIT)
    data = memory.read_some(load_bias + segment.vaddr, size)
    order = ">" if image.byte_order == "big" else "<"
    entry = struct.Struct(order + ("QQ" if image.pointer_size == 8 else "II"))
    whole = len(data) - len(data) % entry.size
    found: dict[int, int] = {}
    for tag, value in entry.iter_unpack(data[:whole]):
        if tag == 0:
            break
        found.setdefault(tag, value)
    return found


def _count(tags: dict[int, int], load_bias: int, memory: Memory) -> int | None:
    """The second word of a System V hash table is the number of symbols."""
    table = tags.get(_DT_HASH)
    if table is None:
        return None
    address = table if table >= load_bias else table + load_bias
    try:
        data = bytes(memory.read(address, 8))
    except MemoryReadError:
        return None
    return int.from_bytes(data[4:], memory.byte_order)
