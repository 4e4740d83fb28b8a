"""Where functions begin: by their symbols, else where direct calls lead."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

import msgspec

from coresnap.analysis.symbols import SymbolTable
from coresnap.analysis.unwind.call_site import call_targets
from coresnap.analysis.unwind.effort import Effort
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule
from coresnap.elfcore.registers import Architecture

__all__ = ["FunctionStart", "FunctionStarts"]

_PF_X = 1
_SEARCHED = 1 << 22
"""Bytes of code that are searched for calls, around the pc in question."""
_COLD = ".cold"
_ALIGNMENT = 16
_ENDS = (b"\xc3", b"\xcc", b"\x90", b"\xf4")
"""ret, int3, nop and hlt: what stands before a function on x86."""


class FunctionStart(msgspec.Struct, frozen=True, eq=False):
    """Run-time address of a function's first instruction."""

    address: int
    named: bool
    """By a symbol. Else there may be further functions between it and the pc."""


class FunctionStarts(msgspec.Struct, eq=False):
    """The functions of one module; tables are made when they are first needed."""

    module: LoadedModule
    arch: Architecture
    memory: Memory
    effort: Effort
    debug_file: ElfFile | None
    _tables: list[SymbolTable] | None = None
    _targets: dict[int, list[int]] = msgspec.field(default_factory=dict)

    def find(self, address: int) -> FunctionStart | None:
        """The function that run-time ``address`` is in; None if nobody tells."""
        bias = self.module.load_bias
        for table in self._symbol_tables():
            symbol = table.find(address - bias)
            if symbol is not None:
                # A cold part begins in the middle of its function's frame.
                cold = _COLD in symbol.name
                return None if cold else FunctionStart(symbol.address + bias, True)
        targets = self._call_targets(address)
        index = bisect_right(targets, address) - 1
        return FunctionStart(targets[index], False) if index >= 0 else None

    def _symbol_tables(self) -> list[SymbolTable]:
        if self._tables is None:
            elves = (self.module.elf, self.debug_file)
            self._tables = [SymbolTable(elf) for elf in elves if elf is not None]
        return self._tables

    def _call_targets(self, address: int) -> list[int]:
        """Targets within the window of code that ``address`` is in."""
        window = address - address % _SEARCHED
        targets = self._targets.get(window)
        if targets is None and not self.effort.take_window():
            return []
        if targets is None:
            start, end = self._code_around(address)
            first, last = max(start, window), min(end, window + _SEARCHED)
            found = call_targets(first, max(last - first, 0), self.arch, self.memory)
            counts = Counter(t & ~self._thumb_bit for t in found if start <= t < end)
            targets = sorted(t for t, n in counts.items() if n > 1 or self._begins(t))
            self._targets[window] = targets
        return targets

    def _begins(self, target: int) -> bool:
        """Whether a place that is called once looks like a function's beginning."""
        if self.arch.family != "x86" or target % _ALIGNMENT == 0:
            return True
        return self.memory.read_some(target - 1, 1) in _ENDS

    @property
    def _thumb_bit(self) -> int:
        return 1 if self.arch.family == "arm" else 0

    def _code_around(self, address: int) -> tuple[int, int]:
        headers = self.module.elf or self.module.image
        for load in headers.loads if headers is not None else ():
            start = load.vaddr + self.module.load_bias
            if load.flags & _PF_X and start <= address < start + load.memsz:
                return start, start + load.memsz
        return 0, 0
