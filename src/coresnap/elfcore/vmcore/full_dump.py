"""Full dumps: all of physical memory, as an ELF core without notes.

``sys/kern/kern_dump.c``, dumpsys_generic: EI_OSABI 255, e_version 0, a PT_LOAD for each
range of physical memory. Virtual addresses need the page tables, which are read for
amd64. The kernel's symbol KPML4phys names their root; else it is a page whose entry 256
points to the page itself (``sys/amd64/include/pmap.h``, PML4PML4I) and whose entry 511
is the kernel's: a root of any process, which all have the same kernel.
"""

from __future__ import annotations

import functools
import struct
from bisect import bisect_right

import msgspec

from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.vmcore.kernel_memory import KernelMemory
from coresnap.elfcore.vmcore.page_tables import walk_amd64
from coresnap.errors import CoreFormatError, InputError

__all__ = ["OSABI_STANDALONE", "FullDump", "open_full_dump"]

OSABI_STANDALONE = b"\xff"
_PAGE = 4096
_EM_X86_64 = 62
_NAMES = {3: "i386", 40: "arm", _EM_X86_64: "x86-64", 183: "aarch64", 243: "riscv64"}
_RECURSIVE, _KERNEL = 256, 511
_FRAME = 0x000F_FFFF_FFFF_F000
_PAGES_LIMIT = 1 << 20
"""Pages in which a root is looked for: the kernel allocates its own below 4 GiB."""


class FullDump(msgspec.Struct, frozen=True, eq=False):
    """An open full dump."""

    architecture: str
    memory: KernelMemory
    spans: tuple[tuple[int, int], ...]
    """Where its memory lies in the file: offsets of first and past last byte."""
    problems: tuple[str, ...]


class _Range(msgspec.Struct, frozen=True):
    physical: int
    size: int
    offset: int


def open_full_dump(data: memoryview, root_symbol: int | None = None) -> FullDump:
    """Read the headers; ``root_symbol`` is the virtual address of KPML4phys.

    Of other machines than amd64 only physical memory can be read, and ``problems`` say
    so. Raises ``CoreFormatError`` for a machine that is unknown or big-endian, and for
    a dump without memory.
    """
    try:
        elf = ElfFile(data)
    except InputError as error:
        raise CoreFormatError(f"the full dump is damaged: {error}") from error
    architecture = _NAMES.get(elf.header.machine)
    if architecture is None or elf.byte_order == "big":
        raise CoreFormatError(
            f"this is a full dump of machine {elf.header.machine}, which is not known"
        )
    ranges, problems = _ranges(elf, len(data))
    if not ranges:
        raise CoreFormatError("the full dump holds no memory")
    memory = _memory(data, ranges, elf.pointer_size)
    if architecture == "x86-64":
        problems += _use_tables(memory, root_symbol, data, ranges)
    else:
        problems.append(
            f"page tables of {architecture} are not read: no virtual addresses"
        )
    spans = tuple((one.offset, one.offset + one.size) for one in ranges)
    return FullDump(architecture, memory, spans, tuple(problems))


def _use_tables(
    memory: KernelMemory,
    root_symbol: int | None,
    data: memoryview,
    ranges: list[_Range],
) -> list[str]:
    root = _named_root(memory, root_symbol) or _recursive_root(data, ranges)
    if root is None:
        return ["the root of the page tables was not found: no virtual addresses"]
    memory.translate_with(
        functools.partial(walk_amd64, root, read=memory.read_physical)
    )
    return []


def _ranges(elf: ElfFile, size: int) -> tuple[list[_Range], list[str]]:
    ranges: list[_Range] = []
    missing = 0
    for load in sorted(elf.loads, key=lambda one: one.vaddr):
        here = max(0, min(load.filesz, size - load.offset))
        missing += load.filesz - here
        if here:
            ranges.append(_Range(load.vaddr, here, load.offset))
    problems = [f"the dump is truncated: {missing} bytes are gone"] if missing else []
    return ranges, problems


def _memory(data: memoryview, ranges: list[_Range], pointer_size: int) -> KernelMemory:
    starts = [one.physical for one in ranges]

    def find_page(physical: int) -> int | None:
        index = bisect_right(starts, physical) - 1
        # Whole pages: behind the end of a range lies another one.
        if index < 0 or physical + _PAGE > starts[index] + ranges[index].size:
            return None
        return ranges[index].offset + physical - starts[index]

    return KernelMemory(data, find_page, pointer_size=pointer_size)


_KERNBASE = 0xFFFF_FFFF_8000_0000
"""Virtual address of physical 0 in the map that the kernel was linked for."""


def _named_root(memory: KernelMemory, symbol: int | None) -> int | None:
    if symbol is None or symbol < _KERNBASE:
        return None
    word = memory.read_physical(symbol - _KERNBASE, 8)
    root = 0 if word is None else int.from_bytes(word, "little")
    return root if root and root % _PAGE == 0 and _is_root(memory, root) else None


def _is_root(memory: KernelMemory, root: int) -> bool:
    word = memory.read_physical(root + _RECURSIVE * 8, 8)
    return word is not None and int.from_bytes(word, "little") & _FRAME == root


def _recursive_root(data: memoryview, ranges: list[_Range]) -> int | None:
    """Look at two entries of each page: what is a root points to itself."""
    entry = struct.Struct("<Q")
    left = _PAGES_LIMIT
    for one in ranges:
        count = min(one.size // _PAGE, left)
        left -= count
        for offset in range(0, count * _PAGE, _PAGE):
            place = one.offset + offset
            (word,) = entry.unpack_from(data, place + _RECURSIVE * 8)
            if word & 1 and word & _FRAME == one.physical + offset:
                (kernel,) = entry.unpack_from(data, place + _KERNEL * 8)
                if kernel & 1:
                    return one.physical + offset
    return None
