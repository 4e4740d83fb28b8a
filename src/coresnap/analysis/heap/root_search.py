"""Looks for the root of an allocator's table of pages, of which no symbol says where.

The root is in the data of a module, and has pointers to tables in memory of no file. A
table proves itself by what it says of pages; so the allocator tells what may be one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from coresnap.elfcore.memory import Memory
from coresnap.elfcore.pointer_scan import AddressSpan, scan_pointers

__all__ = ["find_rooted"]

_DATA_LIMIT = 64 << 20
"""Bytes of a module's data in which a root is looked for."""
_MATCH_LIMIT = 100_000
_TABLE_TRIALS = 300
"""Places that may be tables and are read for it: a program may have a million pointers
to memory that is zero. An allocator's own library has few."""


class _Rooted(Protocol):
    @property
    def root(self) -> int: ...


_Found = TypeVar("_Found", bound=_Rooted)


def find_rooted(
    memory: Memory,
    data: Sequence[AddressSpan],
    targets: Sequence[AddressSpan],
    may_be_table: Callable[[Memory, int], bool],
    prove: Callable[[Memory, int, int], _Found | None],
) -> _Found | None:
    """What has its root in ``data``, and its tables in ``targets``.

    Both are spans of addresses, ascending; there are at most ``SPAN_LIMIT`` targets.
    ``may_be_table`` looks at a table's address, and is cheap; ``prove`` is told the
    address and the value of an entry of a root.
    """
    for start, end in data:
        for address, table in _entries(memory, start, end, targets, may_be_table):
            found = prove(memory, address, table)
            if found is not None and start <= found.root < end:
                return found
    return None


def _entries(
    memory: Memory,
    start: int,
    end: int,
    targets: Sequence[AddressSpan],
    may_be_table: Callable[[Memory, int], bool],
) -> Iterator[tuple[int, int]]:
    """Words that may be a root's entries: their addresses and values."""
    tried = 0
    for begin, piece in memory.read_pieces(start, min(end, start + _DATA_LIMIT)):
        for offset, table in scan_pointers(
            piece, targets, pointer_size=8, byte_order="little", limit=_MATCH_LIMIT
        ):
            if may_be_table(memory, table):
                yield begin + offset, table
                tried += 1
                if tried == _TABLE_TRIALS:
                    return
