"""What lies at an address, in words."""

from __future__ import annotations

import bisect
import posixpath
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from coresnap.model import Block, Mapping, Module, Snapshot
from coresnap.snapshot.escape import printable
from coresnap.views.fault.shortened import shortened

__all__ = ["Places", "known_blocks"]

T = TypeVar("T", Module, Mapping)
_NULL_PAGE = 0x1000


class Places(msgspec.Struct, frozen=True):
    """The address space of a snapshot, to look addresses up in."""

    blocks: tuple[Block, ...]
    """By address; they do not overlap."""
    modules: tuple[Module, ...]
    mappings: tuple[Mapping, ...]
    starts: tuple[list[int], list[int], list[int]]
    """Start addresses of the three."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Places:
        """Return those of ``snapshot``."""
        blocks = known_blocks(snapshot)
        modules = tuple(sorted(snapshot.modules, key=lambda module: module.start))
        mappings = tuple(sorted(snapshot.mappings, key=lambda mapping: mapping.start))
        starts = (
            [block.address for block in blocks],
            [module.start for module in modules],
            [mapping.start for mapping in mappings],
        )
        return cls(blocks, modules, mappings, starts)

    def block(self, address: int) -> Block | None:
        """Return the known block that holds ``address``."""
        index = bisect.bisect_right(self.starts[0], address) - 1
        if index < 0:
            return None
        block = self.blocks[index]
        return block if address < block.address + max(block.size, 1) else None

    def words(self, address: int) -> str:
        """Return what lies there, printable; empty if nobody knows."""
        if 0 <= address < _NULL_PAGE:
            return ""
        block = self.block(address)
        if block is not None:
            state = shortened(printable(block.state))
            return f"{state} block {block.address:#x}{_offset(address, block.address)}"
        module = _found(self.modules, self.starts[1], address)
        if module is not None:
            name = posixpath.basename(module.path) or module.path
            bias = address - module.load_bias
            return f"{shortened(printable(name))}+{bias:#x}"
        mapping = _found(self.mappings, self.starts[2], address)
        if mapping is None:
            return ""
        rights = shortened(printable(mapping.permissions))
        return f"{shortened(printable(mapping.path or 'anonymous'))} {rights}"


def known_blocks(snapshot: Snapshot) -> tuple[Block, ...]:
    """Return the blocks that a snapshot tells of, by address, without overlaps.

    Those of the fault come before those that were freed at some time.
    """
    told = [*snapshot.blocks]
    for heap in snapshot.heaps:
        told += [one.overrun for one in heap.damage if one.overrun is not None]
        told += heap.freed
    chosen: dict[int, Block] = {}
    for block in told:
        chosen.setdefault(block.address, block)
    apart: list[Block] = []
    for block in sorted(chosen.values(), key=lambda one: one.address):
        if not apart or block.address >= apart[-1].address + apart[-1].size:
            apart.append(block)
    return tuple(apart)


def _found(ranges: Sequence[T], starts: list[int], address: int) -> T | None:
    index = bisect.bisect_right(starts, address) - 1
    return ranges[index] if index >= 0 and address < ranges[index].end else None


def _offset(address: int, start: int) -> str:
    return f"+{address - start}" if address != start else ""
