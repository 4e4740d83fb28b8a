"""Finds glibc's heap in a core."""

from __future__ import annotations

from collections.abc import Callable

from coresnap.analysis.heap.glibc.arenas import (
    MainArena,
    find_main_arena,
    main_arena_in,
)
from coresnap.analysis.heap.glibc.layout import layout_of
from coresnap.analysis.heap.glibc.library import (
    Library,
    candidates,
    is_musl,
    read_version,
)
from coresnap.analysis.heap.glibc.orphan import Orphan, find_orphan
from coresnap.analysis.heap.glibc.parameters import find_parameters
from coresnap.analysis.heap.glibc.words import Words
from coresnap.analysis.heap.heaps import Heaps
from coresnap.elfcore.corefile import CoreFile, LoadedModule
from coresnap.elfcore.elffile import ElfFile
from coresnap.model import Note

__all__ = ["find_glibc"]

_STEP = "heap"
_OLDEST = (2, 26)


def find_glibc(
    core: CoreFile, debug_file: Callable[[LoadedModule], ElfFile | None] | None = None
) -> Heaps:
    """glibc's heap, if there is one, or why there is none.

    ``debug_file`` finds a module's separate debug file: it is asked for the address of
    the main arena where that has no shape any more.
    """
    if core.system != "Linux":
        return Heaps()
    if is_musl(core):
        return Heaps(notes=(Note(_STEP, "the heap of musl's malloc is not read"),))
    words = Words(core.memory, layout_of(core.architecture))
    notes: list[Note] = []
    for library in candidates(core):
        version = read_version(core, library.module)
        if version is not None and version < _OLDEST:
            text = ".".join(map(str, version))
            notes.append(Note(_STEP, f"the heap of glibc {text} is not read"))
            continue
        found_by = "structure"
        main: MainArena | Orphan | None = find_main_arena(words, library.data, version)
        if main is None and library.module is not core.executable:
            # What malloc has not filled in yet would be taken for damage.
            if _is_untouched(words, library):
                continue
            if _has_variables(words, library):
                found_by = "symbols"
                main = _by_symbol(core, library, words, debug_file)
            else:
                main = find_orphan(words)
            if main is None:
                notes.append(_not_found(library))
        if main is not None:
            # Not before: much of it, and many a small program never calls malloc.
            from coresnap.analysis.heap.glibc.heap import GlibcHeap

            heap = GlibcHeap(
                core, library, main, words, found_by=found_by, version=version
            )
            return Heaps((heap,))
    return Heaps(notes=tuple(notes))


def _has_variables(words: Words, library: Library) -> bool:
    """Whether the core has kept the library's own variables."""
    return all(
        words.word(address & -words.layout.word) is not None
        for start, end in library.data
        for address in (start, end - 1)
    )


def _is_untouched(words: Words, library: Library) -> bool:
    """Whether malloc was never called: it has not asked for memory."""
    parameters = find_parameters(words, library.data)
    return parameters is not None and not parameters.heap_start


def _not_found(library: Library) -> Note:
    return Note(
        _STEP,
        f"malloc's main arena was not found in {library.module.path}: it is damaged,"
        " or not in the core",
    )


def _by_symbol(
    core: CoreFile,
    library: Library,
    words: Words,
    debug_file: Callable[[LoadedModule], ElfFile | None] | None,
) -> MainArena | None:
    from coresnap.analysis.symbols import SymbolTable

    module = library.module
    for elf in (module.elf, debug_file(module) if debug_file else None):
        address = None if elf is None else SymbolTable(elf).address("main_arena")
        if address is not None:
            start = address + module.load_bias & core.architecture.pointer_mask
            return main_arena_in(words, start, read_version(core, module))
    return None
