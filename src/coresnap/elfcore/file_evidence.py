"""Whether a local file is the one that was mapped, where no build-id tells.

FreeBSD's cores hold no program text, so neither the headers nor the build-id of a
module. What they hold of its file are the dynamic section, and the bytes that share the
first page of a data segment with it: the end of what precedes it in the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.elfcore.dynamic_section import DT_DEBUG, dynamic_of_file, read_dynamic
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.memory import Memory

__all__ = ["is_mapped_file"]

_PF_W = 2
_PAGE_SIZE = 4096
_LEAST_BYTES = 64
"""Bytes beside the data that prove something: fewer are alike in many builds."""


def is_mapped_file(elf: ElfFile, load_bias: int, memory: Memory) -> bool | None:
    """Whether ``memory`` holds what ``elf`` has, loaded at ``load_bias``.

    None if nothing that could be compared is there.
    """
    answers = [_has_same_dynamic(elf, load_bias, memory)]
    answers += _remnants(elf, load_bias, memory)
    if False in answers:
        return False
    return True if True in answers else None


def _has_same_dynamic(elf: ElfFile, load_bias: int, memory: Memory) -> bool | None:
    expected = dynamic_of_file(elf)
    if expected is None or not expected.entries:
        return None
    mask = (1 << 8 * memory.pointer_size) - 1
    address = load_bias + expected.address & mask
    size = 2 * memory.pointer_size * (len(expected.entries) + 1)
    if len(memory.read_some(address, size)) < size:
        return None  # not there, or cut with the core
    found = read_dynamic(memory, address)
    return len(found.entries) == len(expected.entries) and all(
        tag == other
        # glibc adds the bias in place; r_debug is entered at run time.
        and (value == was or value == was + load_bias & mask or tag == DT_DEBUG)
        for (tag, value), (other, was) in zip(
            found.entries, expected.entries, strict=True
        )
    )


def _remnants(elf: ElfFile, load_bias: int, memory: Memory) -> Iterator[bool]:
    """What stands before each data segment in its first page."""
    for load in elf.loads:
        size = load.vaddr % _PAGE_SIZE
        is_congruent = load.offset % _PAGE_SIZE == size
        if not load.flags & _PF_W or not is_congruent:
            continue
        found = memory.read_some(load_bias + load.vaddr - size, size)
        # Zeros may have been put there since, by who passed the core on.
        if len(found) == size >= _LEAST_BYTES and any(found):
            yield found == elf.data[load.offset - size : load.offset]
