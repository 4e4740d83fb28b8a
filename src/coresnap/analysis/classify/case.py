"""Everything that rules may look at: one crash, read and not yet judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from coresnap.analysis.heap.heaps import Heaps
    from coresnap.analysis.messages.message import Message
    from coresnap.analysis.unwind.stack import Stack
    from coresnap.elfcore.corefile import CoreFile
    from coresnap.model import Access, Frame, Instruction, Signal, Thread

__all__ = ["Case"]


class Case(msgspec.Struct, frozen=True, eq=False):
    """A crash as the rules see it. Nothing here is ever changed by a rule."""

    core: CoreFile
    signal: Signal | None
    threads: Sequence[Thread] = ()
    """The crashed one first; frames with their variables."""
    stacks: Sequence[Stack] = ()
    """The same threads as they were unwound: registers of every frame."""
    instruction: Instruction | None = None
    """What the crashed thread executed, as far as it is a fault."""
    messages: Sequence[Message] = ()
    """What libraries and run-times left in memory before they gave up."""
    heaps: Heaps | None = None
    assets: Mapping[str, bytes] = {}

    @property
    def tid(self) -> int | None:
        """The crashed thread's id."""
        return self.threads[0].tid if self.threads else None

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The crashed thread's frames, innermost first."""
        return self.threads[0].frames if self.threads else ()

    @property
    def access(self) -> Access | None:
        """The access that failed."""
        found = self.instruction
        if found is None or found.fault is None:
            return None
        return found.accesses[found.fault]

    @property
    def registers(self) -> Mapping[str, int]:
        """General-purpose registers of the crashed thread, by name."""
        return self.threads[0].registers if self.threads else {}

    @property
    def fault_address(self) -> int | None:
        """The address that failed: the kernel's, else the recomputed one."""
        if self.signal is not None and self.signal.address is not None:
            return self.signal.address
        return self.access.address if self.access is not None else None
