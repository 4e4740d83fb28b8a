"""What the finders of messages look at: memory, modules, and who gave up where."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.symbol_addresses import symbol_address
from coresnap.analysis.thread_local import THREAD_POINTERS
from coresnap.errors import MemoryReadError

if TYPE_CHECKING:
    from coresnap.analysis.unwind.stack import Stack
    from coresnap.elfcore.corefile import CoreFile, LoadedModule
    from coresnap.elfcore.memory import Memory
    from coresnap.model import Frame, Thread

__all__ = ["DeadProcess"]

_PAGE_SIZE = 6  # AT_PAGESZ
_TEXT_LIMIT = 1 << 16
_STACK_LIMIT = 1 << 17
"""Bytes of a stack that are searched: what gives up is near its inner end."""
_SCAN_LIMIT = 1 << 28
_SCAN_STEP = 1 << 22
_RED_ZONE = 1 << 14
"""Bytes below the stack pointer, where functions that returned left their texts."""


class DeadProcess(msgspec.Struct, frozen=True, eq=False):
    """A core with the stacks that were found in it."""

    core: CoreFile
    threads: Sequence[Thread] = ()
    """The crashed one first."""
    stacks: Sequence[Stack] = ()

    @property
    def memory(self) -> Memory:
        """Its memory, as far as the core and the modules' files have it."""
        return self.core.memory

    @property
    def tid(self) -> int | None:
        """The crashed thread's id."""
        return self.threads[0].tid if self.threads else None

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The crashed thread's, innermost first."""
        return self.threads[0].frames if self.threads else ()

    @property
    def page_size(self) -> int:
        """Bytes of a page, as the kernel told the process."""
        size = self.core.auxv.get(_PAGE_SIZE, 4096)
        return size if 4096 <= size <= 1 << 16 and size & size - 1 == 0 else 4096

    def symbol(self, name: str, library: str = "") -> int | None:
        """Run-time address of ``name`` in the modules whose file name begins with
        ``library``, or in the executable, which may hold the library itself."""
        for module in self._modules(library):
            address = symbol_address(module, name, self.memory)
            if address is not None:
                return address
        return None

    def has_library(self, *names: str) -> bool:
        """Whether a library is there whose file name begins with one of ``names``, or
        the executable has no libraries at all, and so may hold it itself."""
        files = [os.path.basename(module.path) for module in self.core.modules]
        return any(file.startswith(names) for file in files) or not any(
            ".so" in file for file in files
        )

    def symbol_at(self, address: int) -> str | None:
        """Name of the symbol that begins at a run-time address."""
        from coresnap.analysis.symbols import SymbolTable

        for module in self.core.modules:
            if module.start <= address < module.end and module.elf is not None:
                table = SymbolTable(module.elf)
                return next(table.names(address - module.load_bias), None)
        return None

    def _modules(self, library: str) -> Iterator[LoadedModule]:
        executable = self.core.executable
        for module in self.core.modules:
            if os.path.basename(module.path).startswith(library):
                yield module
        if executable is not None:
            yield executable

    def word(self, address: int) -> int:
        """The word at ``address``; 0 if it is not there."""
        try:
            return self.memory.read_word(address)
        except MemoryReadError:
            return 0

    def text(self, address: int, limit: int = _TEXT_LIMIT) -> bytes | None:
        """The C string at ``address``; None if it is not there."""
        return self.memory.read_string(address, limit)

    def stack_words(self) -> Iterator[tuple[int, int]]:
        """(address, value) of the words of the crashed thread's stack, from the stack
        pointer outwards."""
        start = self.stack_pointer()
        if start is None:
            return
        start &= -self.memory.pointer_size
        yield from self.memory.read_words(start, _STACK_LIMIT)

    def stack_bytes(self) -> tuple[int, bytes]:
        """(address, bytes) of that stack, with what is left below it."""
        pointer = self.stack_pointer()
        if pointer is None:
            return 0, b""
        mapping = self.memory.find_mapping(pointer)
        start = max(pointer - _RED_ZONE, mapping.start if mapping else pointer)
        return start, self.memory.read_some(start, _STACK_LIMIT)

    def anonymous_memory(self, overlap: int = 0) -> Iterator[tuple[int, bytes]]:
        """(address, bytes) of what is stored of writable memory without a file, in
        pieces of 4 MiB that share ``overlap`` bytes; 256 MiB at most, small mappings
        first. Reserved memory that was never used costs nothing."""
        left = _SCAN_LIMIT
        writable = (
            mapping
            for mapping in self.core.mappings
            if mapping.path is None and mapping.permissions.startswith("rw")
        )
        for mapping in sorted(writable, key=lambda m: m.end - m.start):
            for address, view in self.memory.stored_views(mapping.start, mapping.end):
                for at in range(0, len(view), _SCAN_STEP):
                    if left <= 0:
                        return
                    piece = bytes(view[at : at + _SCAN_STEP + overlap])
                    left -= len(piece)
                    yield address + at, piece

    def thread_pointer(self) -> int | None:
        """Of the crashed thread: what its own variables are counted from."""
        architecture = self.core.architecture
        number = architecture.numbers.get(THREAD_POINTERS.get(architecture.name, ""))
        if number is None or not self.stacks or not self.stacks[0].frames:
            return None
        return self.stacks[0].frames[0].registers.get(number) or None

    def stack_pointer(self) -> int | None:
        """Of the crashed thread's innermost frame."""
        if not self.stacks or not self.stacks[0].frames:
            return None
        number = self.core.architecture.stack_pointer
        return self.stacks[0].frames[0].registers.get(number)
