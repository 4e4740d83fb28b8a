"""Where a plug-in reads from: the core while it is analysed, a snapshot ever after."""

from __future__ import annotations

from coresnap.analysis.heap.heaps import Heaps
from coresnap.elfcore.corefile import CoreFile
from coresnap.model import Block, Snapshot

__all__ = ["ProcessOfCore", "ProcessOfSnapshot"]


class ProcessOfCore:
    """The core's memory and its heaps."""

    def __init__(self, core: CoreFile, heaps: Heaps | None) -> None:
        self.pointer_size = core.architecture.pointer_size
        self.byte_order: str = core.memory.byte_order
        self._memory = core.memory
        self._heaps = heaps

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""
        return self._memory.read(address, size)

    def block(self, address: int) -> Block | None:
        """The heap block at ``address``."""
        found = self._heaps.place(address) if self._heaps is not None else None
        return found.block if found is not None else None


class ProcessOfSnapshot:
    """The memory and the blocks that a snapshot keeps."""

    def __init__(self, snapshot: Snapshot) -> None:
        # Not before: where a core is analysed, nothing reads a snapshot.
        from coresnap.analysis.pretty.stored_process import StoredProcess
        from coresnap.analysis.values.limits import ValueLimits

        self._stored = StoredProcess(snapshot, ValueLimits())
        self.pointer_size = self._stored.pointer_size
        self.byte_order = "little" if self._stored.little_endian else "big"
        self._blocks = snapshot.blocks

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""
        return self._stored.read(address, size)

    def block(self, address: int) -> Block | None:
        """The block at ``address``, if it is one of those that the fault involves."""
        for block in self._blocks:
            if block.address <= address < block.address + max(block.size, 1):
                return block
        return None
