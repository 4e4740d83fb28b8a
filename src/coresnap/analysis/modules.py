"""The modules of a core with what could be found to read them: symbols, DWARF."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.debuginfo.locate import Located
from coresnap.analysis.symbols import Symbol, SymbolTable
from coresnap.analysis.thread_local import ThreadLocalStorage
from coresnap.analysis.values.global_variables import GlobalReader
from coresnap.analysis.values.module_reader import ModuleReader, ProcessFacts
from coresnap.model import Module, Search

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import CoreFile, LoadedModule
    from coresnap.elfcore.memory import Memory

__all__ = ["ModuleTable", "ReadableModule"]

_HALF = 1 << 63
"""Of the address space: a load bias lies on either side of 0."""


class ReadableModule(msgspec.Struct, eq=False):
    """A module of the process; files are looked for when they are first needed."""

    loaded: LoadedModule
    _debug_files: DebugFiles
    _facts: Callable[[], ProcessFacts]
    _storage: ThreadLocalStorage
    _memory: Memory
    _located: Located | None = None
    _reader: ModuleReader | None = None
    _own_symbols: SymbolTable | None = None
    _debug_symbols: SymbolTable | None = None

    def reader(self) -> ModuleReader | None:
        """Its debug information; None if there is none."""
        if self._located is None:
            module = self.loaded
            self._located = self._debug_files.of(module)
            if self._located.file is not None:
                self._reader = ModuleReader(
                    self._located.file,
                    module.load_bias,
                    self._thread_local_block,
                    self._facts(),
                    self._address_of,
                )
        return self._reader

    def globals(self) -> GlobalReader | None:
        """Its variables without a function; None if there is no debug information."""
        reader, module = self.reader(), self.loaded
        if reader is None:
            return None
        return reader.globals(lambda address: module.start <= address < module.end)

    def _thread_local_block(self, thread_pointer: int | None) -> int:
        return self._storage.block(self.loaded, thread_pointer)

    def symbol(self, address: int) -> Symbol | None:
        """The symbol whose code or data holds a run-time address."""
        link_address = address - self.loaded.load_bias
        for table in self._symbol_tables():
            symbol = table.find(link_address)
            if symbol is not None:
                return symbol
        return None

    def names(self, address: int) -> frozenset[str]:
        """Names of the symbols that begin at a run-time address."""
        link_address = address - self.loaded.load_bias
        tables = self._symbol_tables()
        return frozenset(n for table in tables for n in table.names(link_address))

    def _address_of(self, name: str) -> int | None:
        """Link-time address of the function that the linker knows by this name."""
        found = (table.address(name) for table in self._symbol_tables())
        return next((address for address in found if address is not None), None)

    def _symbol_tables(self) -> Iterator[SymbolTable]:
        """Its own symbols, then those that were stripped into the debug file."""
        if self._own_symbols is None:
            self._own_symbols = self._read_own_symbols()
        if self._own_symbols is not None:
            yield self._own_symbols
        if self._debug_symbols is None:
            self._debug_symbols = self._read_debug_symbols()
        if self._debug_symbols is not None:
            yield self._debug_symbols

    def _read_own_symbols(self) -> SymbolTable | None:
        """Of its file, else those that the core's memory has."""
        module = self.loaded
        if module.elf is not None:
            return SymbolTable(module.elf)
        if module.image is None:
            return None
        from coresnap.elfcore.memory_symbols import memory_symbols

        in_memory = functools.partial(
            memory_symbols, module.image, module.load_bias, self._memory
        )
        return SymbolTable(module.image, in_memory)

    def _read_debug_symbols(self) -> SymbolTable | None:
        self.reader()
        elf = self._debug_files.separate_elf(self.loaded)
        return None if elf is None else SymbolTable(elf)

    @property
    def modified(self) -> float | None:
        """mtime of its file; None if there is no file, or only a copy."""
        try:
            file = None if self.loaded.kept_as else self.loaded.file
            return None if file is None else file.stat().st_mtime
        except OSError:
            return None

    def describe(self) -> Module:
        """The module for the report."""
        module, located = self.loaded, self._located
        debug_file = located.file if located is not None else None
        problems = [module.problem]
        # The vdso is read from the core itself: nobody expects more than its symbols.
        if located is not None and (module.file is not None or module.elf is None):
            problems.append(located.problem)
        symbols = "dwarf" if debug_file else self._symbol_kind()
        return Module(
            path=module.path,
            start=module.start,
            end=module.end,
            # Modulo the address space: old kernels link the vdso to its last page.
            load_bias=(module.load_bias + _HALF) % (2 * _HALF) - _HALF,
            build_id=module.build_id,
            file=None if module.file is None else self._shown(str(module.file)),
            debug_file=None
            if debug_file is None
            else self._shown(str(debug_file.path)),
            symbols=symbols,
            problem=self._shown("; ".join(p for p in problems if p)) or None,
            searches=self._searches(),
        )

    def _searches(self) -> tuple[Search, ...]:
        """What was looked for; nothing for a module that no frame asked for."""
        if self._located is None:
            return ()
        found = self._located.searches
        if self._own_symbols is not None:
            found += self._own_symbols.searches()
        return tuple(
            msgspec.structs.replace(s, place=self._shown(s.place)) for s in found
        )

    def _shown(self, text: str) -> str:
        """Call a copy by its name: its path means nothing once we have ended."""
        module = self.loaded
        if module.kept_as is None or module.file is None:
            return text
        return text.replace(str(module.file), module.kept_as)

    def _symbol_kind(self) -> str:
        table = next(self._symbol_tables(), None)
        return "none" if table is None else table.kind


class ModuleTable:
    """The modules of one core, by address."""

    def __init__(
        self,
        core: CoreFile,
        debug_files: DebugFiles,
        facts: Callable[[], ProcessFacts],
    ) -> None:
        storage = ThreadLocalStorage(core)
        self._modules = [
            ReadableModule(module, debug_files, facts, storage, core.memory)
            for module in sorted(core.modules, key=lambda module: module.start)
        ]
        self._starts = [module.loaded.start for module in self._modules]

    @property
    def modules(self) -> tuple[ReadableModule, ...]:
        """All of them, by start address."""
        return tuple(self._modules)

    def at(self, address: int) -> ReadableModule | None:
        """The module that holds an address."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._modules[index].loaded.end:
            return self._modules[index]
        return None

    def describe(self) -> list[Module]:
        """All modules for the report, by start address."""
        return [module.describe() for module in self._modules]
