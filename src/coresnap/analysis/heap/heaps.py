"""All heaps of a process: what is at an address, whichever allocator it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from coresnap.model import Allocator, Block, Note

__all__ = ["Heap", "Heaps", "Placement"]


class Placement(msgspec.Struct, frozen=True):
    """Where an address lies in an allocator's memory."""

    block: Block
    offset: int
    """Bytes from the block's start; negative in its header, ``block.size`` and more
    behind its end."""
    before: Block | None = None
    """The neighbour below it, whose overrun would reach this block."""


class Heap(Protocol):
    """One allocator's heap. Nothing is walked before it is asked for."""

    def place(self, address: int) -> Placement | None:
        """What is at ``address``; None if it is not memory of this allocator."""

    def freed(self) -> Iterator[Block]:
        """Free blocks that were handed out once, the most recent first as far as the
        lists tell. ``top`` memory is not among them."""

    def linked(self, value: int) -> Block | None:
        """The free block whose link word is ``value`` as it is stored, mangled where
        the allocator mangles it; None if there is none."""

    def report(self) -> Allocator:
        """Totals, damage, and what is not known. Walks the whole heap, once."""


class Heaps(msgspec.Struct, frozen=True, eq=False):
    """The heaps that were found in a core, and why others were not."""

    heaps: Sequence[Heap] = ()
    notes: tuple[Note, ...] = ()

    def place(self, address: int) -> Placement | None:
        """What is at ``address``, by the first allocator that knows."""
        for heap in self.heaps:
            found = heap.place(address)
            if found is not None:
                return found
        return None

    def linked(self, value: int) -> Block | None:
        """The free block whose stored link word is ``value``."""
        for heap in self.heaps:
            found = heap.linked(value)
            if found is not None:
                return found
        return None

    def reports(self) -> tuple[Allocator, ...]:
        """What each allocator says of itself."""
        return tuple(heap.report() for heap in self.heaps)
