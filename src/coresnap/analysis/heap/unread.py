"""An allocator that is there, but whose heap cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.heap.defined_symbols import defined_symbols
from coresnap.analysis.heap.heaps import Placement
from coresnap.elfcore.corefile import CoreFile, LoadedModule
from coresnap.model import Allocator, Block

__all__ = ["UnreadHeap", "find_unread"]


class UnreadHeap(msgspec.Struct, frozen=True):
    """Knows no address; its report says why."""

    name: str
    version: str | None
    reason: str

    def place(self, address: int) -> Placement | None:
        """None: nothing is known of any address."""
        return None

    def freed(self) -> Iterator[Block]:
        """Nothing."""
        return iter(())

    def linked(self, value: int) -> Block | None:
        """None: no free block is known."""
        return None

    def report(self) -> Allocator:
        """That it is there."""
        return Allocator(self.name, self.version, notes=(self.reason,))


def find_unread(
    core: CoreFile, name: str, function: bytes, why: str
) -> UnreadHeap | None:
    """That an allocator is there, if a module is called like it, or has a symbol of
    the name of one of its functions."""
    readable = core.memory.pointer_size == 8 and core.memory.byte_order == "little"
    for module in core.modules:
        file = module.path.rpartition("/")[2]
        if name in file or (readable and _has_symbol(module, function)):
            return UnreadHeap(name, None, f"{file} has {name}, but {why}")
    return None


def _has_symbol(module: LoadedModule, function: bytes) -> bool:
    """Whether it has the function itself, and does not only ask for it."""
    tables = module.elf.symbol_entries() if module.elf is not None else ()
    return any(any(defined_symbols(table, [function])) for table in tables)
