"""Whether a process uses jemalloc, and where its data is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coresnap.analysis.heap.heaps import Heap
from coresnap.analysis.heap.jemalloc.heap import Discovery, JemallocHeap
from coresnap.analysis.heap.jemalloc.layouts import GEOMETRIES
from coresnap.analysis.heap.jemalloc.radix_tree import RadixTree, find_tree
from coresnap.analysis.heap.jemalloc.root_symbol import RootSymbol, root_symbol
from coresnap.analysis.heap.jemalloc.thread_caches import (
    CachedRegions,
    read_cache,
    search_caches,
)
from coresnap.analysis.heap.module_memory import (
    anonymous_memory,
    module_data,
    thread_data,
    threads_inside,
)
from coresnap.analysis.heap.unread import find_unread
from coresnap.elfcore.corefile import CoreFile, LoadedModule

__all__ = ["find_jemalloc"]

_LEAST_ROOT = min(geometry.root_size for geometry in GEOMETRIES)
_LEAST_TABLE = min(geometry.leaf_size for geometry in GEOMETRIES)
_CACHED_LIMIT = 500_000
"""Regions in caches, of all threads: what a hundred threads have at most."""
_SEARCHED = 16 << 20
"""Bytes of the largest mapping in which caches are looked for."""
_CONSTANTS_LIMIT = 16 << 20
"""Bytes of a module's constants in which the version is looked for."""
_VERSION = rb"(5\.\d+\.\d+)-\d+-g[0-9a-f]{40}\0"


def find_jemalloc(core: CoreFile) -> Heap | None:
    """The heap of jemalloc 5 in a core; None if nothing of it is there."""
    if core.memory.pointer_size != 8 or core.memory.byte_order != "little":
        why = "only 64-bit, little-endian systems are read"
        return find_unread(core, "jemalloc", b"mallctl", why)
    targets = anonymous_memory(core, _LEAST_TABLE)
    for module in core.modules if targets else ():
        spans = module_data(module, _LEAST_ROOT)
        symbol = root_symbol(module) if spans else None
        if symbol is not None:
            near = [(symbol.start, symbol.end)]
            tree = find_tree(core.memory, near, targets)
            if tree is not None:
                return _heap(core, module, tree, symbol)
        tree = find_tree(core.memory, spans, targets)
        if tree is not None:
            return _heap(core, module, tree, None)
    headers = [module.image or module.elf for module in core.modules]
    if targets and (None in headers or not headers):
        # Without headers, as in a core of FreeBSD whose libraries are not here, nobody
        # says what of a module is its data: libc's, where jemalloc is, has no file.
        tree = find_tree(core.memory, targets, targets)
        if tree is not None:
            return _heap(core, None, tree, None)
    return find_unread(
        core,
        "jemalloc",
        b"mallctl",
        "the core does not show a heap of jemalloc 5.0 to 5.3: nothing was allocated,"
        " its memory is not there, or it is another version",
    )


def _heap(
    core: CoreFile,
    module: LoadedModule | None,
    tree: RadixTree,
    symbol: RootSymbol | None,
) -> JemallocHeap:
    found_by, version = "structure", tree.fields.version
    working: frozenset[int | None] = frozenset({None})
    if symbol is not None:
        found_by = "dynamic symbols" if symbol.is_dynamic else "symbols"
    if module is not None:
        version = _version(core, module) or version
        working = frozenset(threads_inside(core, module))
    return JemallocHeap(
        Discovery(
            core.memory,
            tree,
            version,
            found_by,
            tuple(_caches(core, module, tree)),
            working,
        )
    )


def _caches(
    core: CoreFile, module: LoadedModule | None, tree: RadixTree
) -> Iterator[CachedRegions]:
    """What every thread's cache holds, as many as anyone can use."""
    count = 0
    for one in _all_caches(core, module, is_5_3=tree.fields.has_states):
        count += len(one.addresses)
        if count > _CACHED_LIMIT:
            return
        yield one


def _all_caches(
    core: CoreFile, module: LoadedModule | None, *, is_5_3: bool
) -> Iterator[CachedRegions]:
    found = False
    for tid, data in () if module is None else thread_data(core, module):
        for one in read_cache(core.memory, tid, data, is_5_3=is_5_3):
            found = True
            yield one
    if not found:
        spans = [
            (mapping.start, mapping.end)
            for mapping in core.mappings
            if mapping.permissions == "rw-" and mapping.end - mapping.start <= _SEARCHED
        ]
        yield from search_caches(
            core.memory, spans, anonymous_memory(core, _LEAST_TABLE), is_5_3=is_5_3
        )


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
