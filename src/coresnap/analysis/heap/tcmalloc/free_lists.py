"""Lists of free objects, linked through their first words.

``linked_list.h`` of gperftools 2.10: the first word of a free object is the address of
the next one, as it is; the object that was freed last comes first.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.analysis.heap.tcmalloc.spans import Span
from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError

__all__ = ["FreeList", "Owner", "walk_list"]

LIST_LIMIT = 1 << 20
"""Objects of one list that are walked."""


class Owner(msgspec.Struct, frozen=True):
    """Whose list it is."""

    name: str
    """``cache of thread 7, class 48``."""
    size_class: int
    tid: int | None = None


class FreeList(msgspec.Struct, frozen=True):
    """One list, as far as it could be walked."""

    owner: Owner
    addresses: tuple[int, ...]
    """The most recently freed first."""
    flaw: tuple[int, str, str] | None = None
    """Address, kind and description of what ends it before its end."""


def walk_list(
    memory: Memory,
    owner: Owner,
    head: int,
    find_span: Callable[[int], Span | None],
    unit: int,
    limit: int = LIST_LIMIT,
) -> FreeList:
    """Follow the links from ``head`` on; objects are ``unit`` bytes.

    At most ``limit`` objects are followed: as many as the list should have.
    """
    addresses: list[int] = []
    seen: set[int] = set()
    at = head
    while at and len(addresses) < min(limit, LIST_LIMIT):
        if at in seen:
            what = f"the block waits two times in the {owner.name}"
            return FreeList(owner, tuple(addresses), (at, "twice", what))
        span = find_span(at)
        if (
            span is None
            or span.size_class != owner.size_class
            or (at - span.start) % unit
        ):
            where = addresses[-1] if addresses else None
            what = f"the {owner.name} goes on at {at:#x}, where no block of it is"
            flaw = None if where is None else (where, "link", what)
            return FreeList(owner, tuple(addresses), flaw)
        seen.add(at)
        addresses.append(at)
        try:
            at = memory.read_word(at)
        except MemoryReadError:
            break
    return FreeList(owner, tuple(addresses))
