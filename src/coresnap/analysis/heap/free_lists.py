"""Lists of free blocks that are linked through their first words, as they are.

The block that was freed last comes first, as in gperftools' ``linked_list.h`` and
mimalloc's ``mi_block_t`` where it does not encode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError

__all__ = ["LIST_LIMIT", "FreeList", "ListedBlock", "first_untouched", "walk_list"]

LIST_LIMIT = 1 << 20
"""Blocks of one list that are walked."""
_LINK = 8


class FreeList(msgspec.Struct, frozen=True):
    """One list, as far as it could be walked."""

    name: str
    """As in ``Block.free_list``."""
    addresses: tuple[int, ...]
    """The most recently freed first."""
    tid: int | None = None
    """The thread that it belongs to."""
    flaw: tuple[int, str, str] | None = None
    """Address, kind and description of what ends it before its end."""


class ListedBlock(msgspec.Struct, frozen=True):
    """Where a free block waits."""

    list: FreeList
    index: int


def walk_list(
    memory: Memory,
    name: str,
    head: int,
    is_block: Callable[[int], bool],
    *,
    limit: int = LIST_LIMIT,
    tid: int | None = None,
) -> FreeList:
    """Follow the links from ``head`` on, 0 if the list is empty.

    At most ``limit`` blocks are followed: as many as the list should have.
    """
    addresses: list[int] = []
    seen: set[int] = set()
    flaw = None
    at = head
    while at and len(addresses) < min(limit, LIST_LIMIT):
        if at in seen:
            flaw = (at, "twice", f"the block waits two times in the {name}")
            break
        if not is_block(at):
            if addresses:
                what = f"the {name} goes on at {at:#x}, where no block of it is"
                flaw = (addresses[-1], "link", what)
            break
        seen.add(at)
        addresses.append(at)
        try:
            at = memory.read_word(at)
        except MemoryReadError:
            break
    return FreeList(name, tuple(addresses), tid, flaw)


def first_untouched(
    memory: Memory, addresses: Sequence[int], unit: int, starts: Callable[[int], int]
) -> int:
    """Index of the first block of a list that was never handed out.

    A list is filled with a row of blocks, the lowest of which is handed out first: the
    row's rest waits at the list's end, zero behind its links. ``starts`` is the address
    of the first block of the pages that hold one.
    """
    index = len(addresses)
    while index:
        address, older = addresses[index - 1], addresses[index : index + 1]
        start = starts(address)
        if address == start:
            break
        same_pages = older and starts(older[0]) == start
        if same_pages and older[0] != address + unit:
            break
        if any(memory.read_some(address + _LINK, unit - _LINK)):
            break
        index -= 1
    return index
