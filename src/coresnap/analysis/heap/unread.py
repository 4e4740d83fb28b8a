"""An allocator that is there, but whose heap cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.heap.heaps import Placement
from coresnap.model import Allocator, Block

__all__ = ["UnreadHeap"]


class UnreadHeap(msgspec.Struct, frozen=True):
    """Knows no address; its report says why."""

    name: str
    version: str | None
    reason: str

    def place(self, address: int) -> Placement | None:
        """None: nothing is known of any address."""
        return None

    def freed(self) -> Iterator[Block]:
        """Nothing."""
        return iter(())

    def linked(self, value: int) -> Block | None:
        """None: no free block is known."""
        return None

    def report(self) -> Allocator:
        """That it is there."""
        return Allocator(self.name, self.version, notes=(self.reason,))
