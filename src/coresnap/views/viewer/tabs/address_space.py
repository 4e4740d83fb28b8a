"""Heaps, modules, mappings and global variables."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.model import Allocator, Block, Mapping, Module
from coresnap.snapshot.escape import printable
from coresnap.snapshot.heap_lines import block_words
from coresnap.views.fault.fault import Fault
from coresnap.views.viewer.line import Line, line
from coresnap.views.viewer.looked import Looked

__all__ = ["heap", "mappings", "modules"]


def heap(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return totals, damage and blocks; Enter leads to the memory."""
    lines = [one for heap in fault.snapshot.heaps for one in _heap(heap)]
    lines += [_block(block) for block in fault.snapshot.blocks]
    return lines or [line(("no heap was read", "doubt"))]


def _heap(heap: Allocator) -> Iterator[Line]:
    version = printable(heap.version or "")
    found = f" found by {printable(heap.found_by)}" if heap.found_by else ""
    yield line((f"{printable(heap.name)} {version}".strip(), "title"), found)
    yield line(
        f"  {heap.arenas:,} arenas, {heap.live_blocks:,} live blocks of "
        f"{heap.live_bytes:,} bytes, {heap.free_blocks:,} free of "
        f"{heap.free_bytes:,}, {heap.mapped_bytes:,} bytes from the system"
    )
    for one in heap.damage:
        doubt = f" (perhaps none: {printable(one.doubt)})" if one.doubt else ""
        words = f"  ! damaged at {one.address:#x}: {printable(one.what)}"
        yield line((words, "alarm"), (doubt, "doubt"), target=one.address)
        if one.overrun is not None:
            yield _block(one.overrun, "    behind the ")
    yield from (line((f"  {printable(note)}", "doubt")) for note in heap.notes)
    yield from map(_block, heap.freed)


def _block(block: Block, before: str = "  ") -> Line:
    return line(before, (block_words(block), block.state), target=block.address)


def modules(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return the modules, those whose symbols are missing with what was looked for."""
    ordered = sorted(fault.snapshot.modules, key=lambda one: not _is_poor(one))
    lines = [one for module in ordered for one in _module(module)]
    return lines or [line(("no modules are known", "doubt"))]


def _is_poor(module: Module) -> bool:
    return module.symbols in ("none", "dynsym") or module.problem is not None


def _module(module: Module) -> Iterator[Line]:
    is_poor = _is_poor(module)
    yield line(
        ("! ", "warning") if is_poor else "  ",
        f"{module.start:#016x} {printable(module.symbols):<7} ",
        (printable(module.path), "place"),
        (f"  {printable(module.build_id)}" if module.build_id else "", "doubt"),
        (f"  {printable(module.problem)}" if module.problem else "", "alarm"),
        target=module.start,
    )
    for one in module.searches if is_poor else ():
        words = f"      {printable(one.what):<11} {printable(one.place)}  "
        yield line((words, "doubt"), printable(one.result))


def mappings(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return the mappings of the address space."""
    lines = [_mapping(one) for one in fault.snapshot.mappings]
    return lines or [line(("no mappings are known", "doubt"))]


def _mapping(one: Mapping) -> Line:
    return line(
        f"{one.start:012x}-{one.end:012x} {printable(one.permissions)} "
        f"{(one.end - one.start) // 1024:>10,} KiB ",
        (f"{one.stored // 1024:>8,} stored ", "doubt"),
        (printable(one.path or ""), "place"),
        target=one.start,
    )
