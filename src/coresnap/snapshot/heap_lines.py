"""The allocators' heaps as text: totals, damage, and what was freed last."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.model import Allocator, Block, HeapDamage
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable

__all__ = ["block_words", "heap_lines"]

_FREED = 8
"""Freed blocks that are shown; the snapshot holds more."""
_INVOLVED = 4
"""Blocks of the fault that are shown, its own first."""
_BYTES = 16


def heap_lines(
    heaps: tuple[Allocator, ...], blocks: tuple[Block, ...], display: Display
) -> Iterator[str]:
    """Yield the section of the heaps; ``blocks`` are those that the fault involves."""
    if heaps or blocks:
        yield display.ink.title("heap")
    for heap in heaps:
        yield f"  {_totals(heap)}"
        for damage in heap.damage:
            yield from _damage_lines(damage, display)
        for note in heap.notes:
            yield display.ink.doubt(f"    {printable(note)}")
        if display.details:
            yield from _freed_lines(heap, blocks)
    for block in blocks[:_INVOLVED]:
        yield f"  {block_words(block)}{_preview(block.preview)}"
    if len(blocks) > _INVOLVED:
        more = len(blocks) - _INVOLVED
        yield display.ink.doubt(f"  and {more} more blocks that aliases lie in")


def block_words(block: Block) -> str:
    """Return what a block is, in words: ``free block 0x… of 24 bytes (tcache 32)``."""
    place = ", ".join(printable(p) for p in (block.free_list, block.arena) if p)
    text = f"{printable(block.state)} block {block.address:#x} of {block.size:,} bytes"
    return f"{text} ({place})" if place else text


def _totals(heap: Allocator) -> str:
    version = f" {printable(heap.version)}" if heap.version else ""
    found = f" (by {printable(heap.found_by)})" if heap.found_by else ""
    arenas = f"{heap.arenas} arena" + ("" if heap.arenas == 1 else "s")
    return (
        f"{printable(heap.name)}{version}{found}: {arenas}, "
        f"{heap.live_blocks:,} live blocks of {heap.live_bytes:,} bytes, "
        f"{heap.free_blocks:,} free of {heap.free_bytes:,}, "
        f"{heap.mapped_bytes:,} bytes from the system"
    )


def _damage_lines(damage: HeapDamage, display: Display) -> Iterator[str]:
    yield display.ink.alarm(
        f"    damaged at {damage.address:#x}: {printable(damage.what)}"
    )
    if damage.data:
        yield f"      bytes{_preview(damage.data)}"
    if damage.overrun is not None:
        yield f"      behind the {block_words(damage.overrun)}"
    if damage.doubt:
        yield display.ink.doubt(f"      perhaps none: {printable(damage.doubt)}")


def _freed_lines(heap: Allocator, told: tuple[Block, ...]) -> Iterator[str]:
    """What was freed last; not what is told anyway."""
    freed = [block for block in heap.freed if block not in told]
    for block in freed[:_FREED]:
        yield f"    {block_words(block)}{_preview(block.preview)}"
    more = len(freed) - _FREED
    if more > 0:
        yield f"    and {more} more freed blocks"


def _preview(data: bytes) -> str:
    if not data:
        return ""
    head = data[:_BYTES]
    text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in head)
    return f"  {head.hex(' ')}  |{text}|"
