"""Where jemalloc's own data contradicts itself.

jemalloc corrects its data in several steps under locks, and a core may show it between
two of them. So of the caches of a thread that was inside jemalloc little is said, and
slabs are believed only if no thread was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from coresnap.analysis.heap.jemalloc.extent_index import ExtentIndex
from coresnap.analysis.heap.jemalloc.extents import ACTIVE, Extent
from coresnap.analysis.heap.jemalloc.size_classes import size_of
from coresnap.analysis.heap.jemalloc.thread_caches import CachedRegions
from coresnap.elfcore.memory import Memory
from coresnap.model import HeapDamage

__all__ = ["DamageSearch", "Slot"]

_NAME = "jemalloc"
_SHOWN = 24
"""Bytes of the bad place: a descriptor's first three words, for one."""


class Slot(msgspec.Struct, frozen=True):
    """Where a cached region waits."""

    bin: CachedRegions
    index: int

    @property
    def address(self) -> int:
        """Of the word in the bin's stack."""
        return self.bin.stack + 8 * self.index

    @property
    def name(self) -> str:
        """What the list is called."""
        tid = self.bin.tid
        whose = "tcache" if tid is None else f"tcache of thread {tid}"
        return f"{whose}, class {size_of(self.bin.size_class)}"


class DamageSearch(msgspec.Struct, frozen=True):
    """Looks at everything once."""

    memory: Memory
    index: ExtentIndex
    slots: Mapping[int, Sequence[Slot]]
    """Where each cached address waits, the newest first."""
    broken: Sequence[tuple[int, int]]
    """Descriptors that don't describe their page."""
    working: frozenset[int | None]
    """Threads that were inside jemalloc; None if that is not known."""

    def run(self) -> Iterator[HeapDamage]:
        """All damage, what is most telling first."""
        for address, slots in self.slots.items():
            yield from self._of_cached(address, slots)
        if not self.working:
            yield from self._of_slabs()
            yield from self._of_descriptors()

    def _of_cached(self, address: int, slots: Sequence[Slot]) -> Iterator[HeapDamage]:
        first = slots[0]
        is_moving = any(slot.bin.tid in self.working for slot in slots)
        if len(slots) > 1 and (not is_moving or _is_only_repetition(slots)):
            where = " and in ".join(dict.fromkeys(slot.name for slot in slots))
            what = f"the block waits {len(slots)} times in the {where}"
            yield self._damage(address, what, "twice")
        if is_moving:
            return
        extent = self.index.handed_out(address)
        if extent is not None and _is_free(extent, address):
            what = f"the block waits in the {first.name} and is free in its slab, too"
            yield self._damage(address, what, "twice")
        problem = self._why_not_cacheable(address, first)
        if problem:
            what = f"the {first.name} holds {address:#x}, {problem}"
            yield self._damage(first.address, what, "header")

    def _why_not_cacheable(self, address: int, slot: Slot) -> str | None:
        extent = self.index.at(address)
        if extent is None:
            return "which is in no extent"
        if extent.state != ACTIVE:
            return "in pages that nobody has"
        if extent.is_slab and self.index.handed_out(address) is None:
            offset = (address - extent.start) % extent.unit
            return f"which is {offset} bytes into a region of {extent.unit}"
        if extent.is_slab and extent.size_class != slot.bin.size_class:
            return f"which is a region of {extent.unit} bytes"
        return None

    def _of_slabs(self) -> Iterator[HeapDamage]:
        for extent in self.index.extents:
            if extent.is_slab and extent.free != extent.bitmap.bit_count():
                yield self._damage(extent.descriptor, _miscounted(extent), "count")

    def _of_descriptors(self) -> Iterator[HeapDamage]:
        for descriptor, page in self.broken:
            what = f"this is no descriptor of the page {page:#x}, whose it should be"
            yield self._damage(descriptor, what, "header")

    def _damage(self, address: int, what: str, kind: str) -> HeapDamage:
        data = self.memory.read_some(address, _SHOWN)
        return HeapDamage(address, what, _NAME, data=data, kind=kind)


def _is_only_repetition(slots: Sequence[Slot]) -> bool:
    """Whether nothing else is in the bin two times: a stack that is just being moved
    down has many of its items two times."""
    addresses = slots[0].bin.addresses
    is_one_bin = all(slot.bin is slots[0].bin for slot in slots)
    return is_one_bin and len(addresses) - len(set(addresses)) == len(slots) - 1


def _is_free(extent: Extent, address: int) -> bool:
    """Whether a slab's bitmap has the region at ``address`` as free."""
    region = (address - extent.start) // extent.unit
    return bool(extent.is_slab and extent.bitmap >> region & 1)


def _miscounted(extent: Extent) -> str:
    return (
        f"the slab at {extent.start:#x} counts {extent.free} free regions of"
        f" {extent.unit} bytes, its bitmap {extent.bitmap.bit_count()}"
    )
