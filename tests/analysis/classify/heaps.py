"""Heaps for rules: a list of blocks, and the words in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from coresnap.analysis.heap.heaps import Heaps, Placement
from coresnap.model import Allocator, Block

__all__ = ["FakeHeap", "heaps"]


class FakeHeap(msgspec.Struct, eq=False):
    """An allocator whose blocks a test lists."""

    blocks: tuple[Block, ...]
    links: Mapping[int, Block] = {}
    said: Allocator = Allocator("glibc")

    def place(self, address: int) -> Placement | None:
        for block in self.blocks:
            if block.address - 16 <= address < block.address + block.size:
                return Placement(block, address - block.address)
        return None

    def freed(self) -> Iterator[Block]:
        return (block for block in self.blocks if block.state == "free")

    def linked(self, value: int) -> Block | None:
        return self.links.get(value)

    def report(self) -> Allocator:
        return self.said


def heaps(*blocks: Block, links: Mapping[int, Block] | None = None) -> Heaps:
    """A process with one allocator that has ``blocks``."""
    return Heaps((FakeHeap(blocks, links or {}),))
