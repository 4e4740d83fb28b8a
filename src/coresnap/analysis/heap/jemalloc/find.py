"""Whether a process uses jemalloc, and where its data is."""

from __future__ import annotations

import os.path
import re
from array import array
from collections.abc import Iterator

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.heap.heaps import Heap
from coresnap.analysis.heap.jemalloc.heap import Discovery, JemallocHeap
from coresnap.analysis.heap.jemalloc.layouts import GEOMETRIES
from coresnap.analysis.heap.jemalloc.radix_tree import RadixTree, find_tree
from coresnap.analysis.heap.jemalloc.root_symbol import RootSymbol, root_symbol
from coresnap.analysis.heap.jemalloc.thread_caches import CachedRegions, read_cache
from coresnap.analysis.heap.unread import UnreadHeap
from coresnap.analysis.thread_local import THREAD_POINTERS, ThreadLocalStorage
from coresnap.elfcore.corefile import CoreFile, CoreThread, LoadedModule
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.pointer_scan import SPAN_LIMIT, AddressSpan

__all__ = ["find_jemalloc"]

_PT_TLS = 7
_WRITABLE = 2
_LEAST_ROOT = min(geometry.root_size for geometry in GEOMETRIES)
_LEAST_TABLE = min(geometry.leaf_size for geometry in GEOMETRIES)
_STACK_TOP = 2048
"""Bytes of a stack in which jemalloc's frames would be."""
_LOCAL_LIMIT = 1 << 20
"""Bytes of a thread's local data that are searched; 5.2.1 has 6,216."""
_CONSTANTS_LIMIT = 16 << 20
_VERSION = rb"(5\.\d+\.\d+)-\d+-g[0-9a-f]{40}\0"


def find_jemalloc(core: CoreFile) -> Heap | None:
    """The heap of jemalloc 5 in a core; None if nothing of it is there."""
    if core.memory.pointer_size != 8 or core.memory.byte_order != "little":
        return None
    targets = _anonymous(core)
    for module in core.modules:
        spans = _data(module)
        if spans and targets:
            symbol = root_symbol(module)
            tree = None
            if symbol is not None:
                near = [(symbol.start, symbol.end)]
                tree = find_tree(core.memory, near, targets)
            found_by = _found_by(symbol if tree else None)
            tree = tree or find_tree(core.memory, spans, targets)
            if tree is not None:
                return JemallocHeap(_discovery(core, module, tree, found_by))
    return _unread(core)


def _found_by(symbol: RootSymbol | None) -> str:
    if symbol is None:
        return "structure"
    return "dynamic symbols" if symbol.is_dynamic else "symbols"


def _unread(core: CoreFile) -> Heap | None:
    """That the library is loaded, if it is."""
    for module in core.modules:
        if "jemalloc" in os.path.basename(module.path):
            reason = (
                f"{module.path} is loaded, but the core does not show a heap of"
                " jemalloc 5.0 to 5.3: nothing was allocated, the memory is not there,"
                " or it is another version"
            )
            return UnreadHeap("jemalloc", _version(core, module), reason)
    return None


def _data(module: LoadedModule) -> list[AddressSpan]:
    """The writable segments that are large enough for the root of a tree."""
    headers: ElfFile | None = module.image or module.elf
    loads: tuple[ProgramHeader, ...] = () if headers is None else headers.loads
    return sorted(
        (module.load_bias + load.vaddr, module.load_bias + load.vaddr + load.memsz)
        for load in loads
        if load.flags & _WRITABLE and load.memsz >= _LEAST_ROOT
    )


def _anonymous(core: CoreFile) -> list[AddressSpan]:
    """Where tables can be: the larger ones first, if they are too many."""
    spans = [
        (mapping.start, mapping.end)
        for mapping in core.mappings
        if mapping.permissions.startswith("rw")
        and mapping.path is None
        and mapping.end - mapping.start >= _LEAST_TABLE
    ]
    spans.sort(key=lambda span: span[0] - span[1])
    return sorted(spans[:SPAN_LIMIT])


def _discovery(
    core: CoreFile, module: LoadedModule, tree: RadixTree, found_by: str
) -> Discovery:
    caches = tuple(_caches(core, module, is_5_3=tree.fields.has_states))
    return Discovery(
        core.memory,
        tree,
        _version(core, module) or tree.fields.version,
        found_by,
        caches,
        frozenset(t.tid for t in core.threads if _is_inside(core, module, t)),
    )


def _is_inside(core: CoreFile, module: LoadedModule, thread: CoreThread) -> bool:
    """Whether a thread may be inside jemalloc: it, or what it calls, is on its stack.

    Old return addresses may be what is seen; then less is said, nothing wrong.
    """
    architecture, memory = core.architecture, core.memory
    stack = thread.registers.get(architecture.stack_pointer, 0)
    found = [thread.registers.get(architecture.program_counter, 0)]
    data = memory.read_some(stack, _STACK_TOP)
    found += array("Q", data[: len(data) // 8 * 8])
    return any(_is_code(memory, module, address) for address in found)


def _is_code(memory: Memory, module: LoadedModule, address: int) -> bool:
    if not module.start <= address < module.end:
        return False
    mapping = memory.find_mapping(address)
    return mapping is not None and "x" in mapping.permissions


def _caches(
    core: CoreFile, module: LoadedModule, *, is_5_3: bool
) -> Iterator[CachedRegions]:
    """What every thread's cache holds."""
    segment = next((s for s in _segments(module) if s is not None), None)
    name = THREAD_POINTERS.get(core.architecture.name, "")
    number = core.architecture.numbers.get(name)
    if segment is None or number is None:
        return
    storage = ThreadLocalStorage(core)
    for thread in core.threads:
        try:
            start = storage.block(module, thread.registers.get(number))
        except ExpressionError:
            continue
        data = core.memory.read_some(start, min(segment.memsz, _LOCAL_LIMIT))
        yield from read_cache(core.memory, thread.tid, data, is_5_3=is_5_3)


def _segments(module: LoadedModule) -> Iterator[ProgramHeader | None]:
    for elf in (module.elf, module.image):
        yield None if elf is None else elf.segment(_PT_TLS)


def _version(core: CoreFile, module: LoadedModule) -> str | None:
    """The version as ``JEMALLOC_VERSION`` has it, among the module's constants."""
    for mapping in core.mappings:
        if not module.start <= mapping.start < module.end:
            continue
        if mapping.permissions == "r--":
            size = min(mapping.end - mapping.start, _CONSTANTS_LIMIT)
            found = re.search(_VERSION, core.memory.read_some(mapping.start, size))
            if found:
                return found[1].decode()
    return None
