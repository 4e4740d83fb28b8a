"""What a word of memory is called: a slot of a frame, a global, a word of a block."""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Callable, Iterator

import msgspec

from coresnap.analysis.aliases.data_symbols import DataSymbol, DataSymbols
from coresnap.analysis.aliases.frame_numbers import FrameNumbers
from coresnap.analysis.aliases.targets import describe_block
from coresnap.analysis.classify.case import Case
from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.heap.heaps import Placement
from coresnap.analysis.thread_local import THREAD_POINTERS, ThreadLocalStorage
from coresnap.elfcore.corefile import LoadedModule
from coresnap.elfcore.elffile import ElfFile, SymbolEntries
from coresnap.elfcore.memory_symbols import memory_symbols
from coresnap.model import Thread

__all__ = ["Place", "Places"]

_PT_TLS = 7
_DESCRIPTOR = 0x700
"""Bytes behind the thread pointer that are the C library's, on x86 (glibc's ``struct
pthread``, at least 0x700 in 2.26 to 2.41)."""
_MOST_THREADS = 256
"""Threads whose own storage is looked up."""


class Place(msgspec.Struct, frozen=True):
    """Where a word lies."""

    holder: str
    name: str = ""
    tid: int | None = None
    frame: int | None = None
    placement: Placement | None = None
    """In which block, if it is one of a heap."""


class _OwnStorage(msgspec.Struct, frozen=True):
    """A module's thread-local block in one thread."""

    start: int
    end: int
    module: LoadedModule | None
    """None for what the C library keeps of the thread."""
    tid: int


class Places:
    """Names words of one process. ``debug_file`` finds what symbols were stripped
    into."""

    def __init__(
        self, case: Case, debug_file: Callable[[LoadedModule], ElfFile | None]
    ) -> None:
        self._case = case
        self._debug_file = debug_file
        self._modules = [module.start for module in case.core.modules]
        self._symbols: dict[int, DataSymbols] = {}
        self._storage: list[_OwnStorage] | None = None
        self._stacks: dict[int, list[Thread]] | None = None
        self._frames: dict[int, FrameNumbers] = {}

    def of(self, address: int) -> Place:
        """What the word at ``address`` is."""
        module = self._module(address)
        if module is not None:
            return Place("global", self._global(module, address))
        own = self._own_storage(address)
        if own is not None:
            return Place("tls", self._own_name(own, address), own.tid)
        on_stack = self._on_stack(address)
        if on_stack is not None and on_stack.frame is not None:
            return on_stack
        heaps = self._case.heaps
        placed = None if heaps is None else heaps.place(address)
        if placed is not None:
            name = f"{describe_block(placed.block)}{_distance(placed.offset)}"
            return Place("heap", name, placement=placed)
        return on_stack or Place("heap")

    def _module(self, address: int) -> LoadedModule | None:
        index = bisect_right(self._modules, address) - 1
        if index < 0:
            return None
        module = self._case.core.modules[index]
        return module if address < module.end else None

    def _global(self, module: LoadedModule, address: int) -> str:
        linked = address - module.load_bias
        symbol = self._data_symbols(module).object(linked)
        if symbol is None:
            return f"{posixpath.basename(module.path)}+{linked:#x}"
        return _symbol_name(symbol, linked)

    def _data_symbols(self, module: LoadedModule) -> DataSymbols:
        if module.start not in self._symbols:
            core = self._case.core
            tables = self._tables(module)
            self._symbols[module.start] = DataSymbols(
                tables, core.architecture.pointer_size, core.architecture.byte_order
            )
        return self._symbols[module.start]

    def _tables(self, module: LoadedModule) -> Iterator[SymbolEntries]:
        if module.elf is not None:
            yield from module.elf.symbol_entries()
        elif module.image is not None:
            memory = self._case.core.memory
            yield from memory_symbols(module.image, module.load_bias, memory)
        separate = self._debug_file(module)
        if separate is not None:
            yield from separate.symbol_entries()

    def _own_name(self, own: _OwnStorage, address: int) -> str:
        offset = address - own.start
        if own.module is None:
            return f"thread descriptor{_distance(offset)}"
        symbol = self._data_symbols(own.module).thread_local(offset)
        if symbol is None:
            return f"{posixpath.basename(own.module.path)} TLS+{offset:#x}"
        return _symbol_name(symbol, offset)

    def _own_storage(self, address: int) -> _OwnStorage | None:
        if self._storage is None:
            self._storage = sorted(self._all_storage(), key=lambda own: own.start)
        index = bisect_right(self._storage, address, key=lambda own: own.start) - 1
        if index >= 0 and address < self._storage[index].end:
            return self._storage[index]
        return None

    def _all_storage(self) -> Iterator[_OwnStorage]:
        core = self._case.core
        number = core.architecture.numbers.get(
            THREAD_POINTERS.get(core.architecture.name, "")
        )
        storage = ThreadLocalStorage(core)
        for thread in core.threads[:_MOST_THREADS] if core.architecture.is_x86 else ():
            start = thread.registers.get(-1 if number is None else number)
            if start:
                yield _OwnStorage(start, start + _DESCRIPTOR, None, thread.tid)
        for module in core.modules:
            size = _own_size(module)
            if not size or number is None:
                continue
            for thread in core.threads[:_MOST_THREADS]:
                try:
                    start = storage.block(module, thread.registers.get(number))
                except ExpressionError:
                    continue
                yield _OwnStorage(start, start + size, module, thread.tid)

    def _on_stack(self, address: int) -> Place | None:
        """The frame's slot; only the thread where nothing tells which frame it is."""
        mapping = self._case.core.memory.find_mapping(address)
        if mapping is None:
            return None
        threads = self._threads_on(mapping.start)
        for thread in threads:
            numbers = self._frame_numbers(thread)
            found = numbers.at(address)
            if found is not None:
                index, distance = found
                name = self._slot(thread, index, distance)
                return Place("stack", name, thread.tid, index)
        return Place("stack", tid=threads[0].tid) if threads else None

    def _threads_on(self, start: int) -> list[Thread]:
        if self._stacks is None:
            self._stacks = {}
            for thread in self._case.threads:
                for at in self._stack_mappings(thread):
                    self._stacks.setdefault(at, []).append(thread)
        return self._stacks.get(start, [])

    def _stack_mappings(self, thread: Thread) -> set[int]:
        memory = self._case.core.memory
        name = _stack_pointer_name(self._case)
        pointers = [frame.stack_pointer for frame in thread.frames]
        pointers = [thread.registers.get(name), *pointers]
        found = (memory.find_mapping(p) for p in pointers if p is not None)
        return {mapping.start for mapping in found if mapping is not None}

    def _frame_numbers(self, thread: Thread) -> FrameNumbers:
        if thread.tid not in self._frames:
            self._frames[thread.tid] = FrameNumbers(thread)
        return self._frames[thread.tid]

    def _slot(self, thread: Thread, index: int, distance: int) -> str:
        shown = self._frame_numbers(thread).shown(index)
        frame = thread.frames[index]
        beyond = f"+{distance:#x}" if distance else ""
        slot = f"[{_stack_pointer_name(self._case)}{beyond}]"
        function = frame.short_name or frame.function
        return f"{slot} of frame {shown}" + (f" ({function})" if function else "")


def _stack_pointer_name(case: Case) -> str:
    architecture = case.core.architecture
    return architecture.register_names.get(architecture.stack_pointer, "sp")


def _own_size(module: LoadedModule) -> int:
    for elf in (module.elf, module.image):
        if elf is not None:
            segment = elf.segment(_PT_TLS)
            if segment is not None:
                return min(segment.memsz, 1 << 30)
    return 0


def _symbol_name(symbol: DataSymbol, address: int) -> str:
    return symbol.name + _distance(address - symbol.address)


def _distance(offset: int) -> str:
    return f"+{offset}" if offset > 0 else f"{offset}" if offset else ""
