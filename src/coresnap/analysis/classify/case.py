"""Everything that rules may look at: one crash, read and not yet judged."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from coresnap.analysis.classify.suspects import Holder, Pointer
    from coresnap.analysis.heap.heaps import Heaps
    from coresnap.analysis.instruction.fault import Fault
    from coresnap.analysis.instruction.provenance import Source
    from coresnap.analysis.messages.message import Message
    from coresnap.analysis.unwind.stack import Stack
    from coresnap.elfcore.corefile import CoreFile
    from coresnap.model import Access, Alias, Frame, Instruction, Signal, Thread

__all__ = ["Case"]


class Case(msgspec.Struct, frozen=True, eq=False, dict=True):
    """A crash as the rules see it. Nothing here is ever changed by a rule."""

    core: CoreFile
    signal: Signal | None
    threads: Sequence[Thread] = ()
    """The crashed one first; frames with their variables."""
    stacks: Sequence[Stack] = ()
    """The same threads as they were unwound: registers of every frame."""
    instruction: Instruction | None = None
    """What the crashed thread executed, as far as it is a fault."""
    fault: Fault | None = None
    """The signal that an instruction raised, with the registers that it had; None for a
    signal that was sent. Of a process that gave up in a fault's handler, that fault."""
    messages: Sequence[Message] = ()
    """What libraries and run-times left in memory before they gave up."""
    heaps: Heaps | None = None
    aliases: Sequence[Alias] = ()
    """Who holds pointers to the memory of the fault; empty before that was searched."""
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

    @functools.cached_property
    def base_sources(self) -> tuple[Source, ...]:
        """How the base register of the failed access got its value, as of the function
        of that name: once, for a long function takes milliseconds."""
        from coresnap.analysis.classify.sources import base_sources

        return base_sources(self)

    @functools.cached_property
    def pointers(self) -> tuple[Pointer, ...]:
        """What may be a pointer in the crashed thread: once, for rules ask again."""
        from coresnap.analysis.classify.suspects import pointers

        return tuple(pointers(self))

    @functools.cached_property
    def freed_holders(self) -> Sequence[Holder]:
        """What of the crashed thread leads into free heap blocks."""
        from coresnap.analysis.classify.suspects import freed_holders

        return freed_holders(self)

    @property
    def registers(self) -> Mapping[str, int]:
        """General-purpose registers of the code that failed, by name; of a process
        without a fault those of its first thread."""
        if self.fault is None or self.fault.frame == 0:
            return self.threads[0].registers if self.threads else {}
        names = self.core.architecture.register_names
        known = self.fault.machine.registers
        return {names[number]: value for number, value in known.items()}

    @property
    def failed_frame(self) -> int:
        """Index in ``frames`` of the code that failed: behind those of a handler."""
        left = 0 if self.fault is None else self.fault.frame
        for index, frame in enumerate(self.frames):
            if left == 0:
                return index
            if not frame.inline and frame.interpreter is None:
                left -= 1
        return 0

    @property
    def fault_address(self) -> int | None:
        """The address that failed: the kernel's, else the recomputed one."""
        if self.fault is not None:
            return self.fault.address
        if self.signal is not None and self.signal.address is not None:
            return self.signal.address
        return self.access.address if self.access is not None else None
