"""Stacks of the kernel across traps: what the processor stacked leads on.

Code that takes a trap, an interrupt or a system call has no call frame information
that leads out of it; on top of its stack stands a ``struct trapframe``
with all registers of what it interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from coresnap.analysis.kernel.saved_registers import trapped_registers
from coresnap.analysis.kernel.structures import Layout
from coresnap.analysis.unwind.stack import Stack, StackFrame
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture
from coresnap.model import UnwindEnd

__all__ = ["KernelUnwinder"]

_MOST_TRAPS = 8
"""One in another: a page fault in an interrupt in a system call."""
_ENTRIES = (
    *("calltrap", "alltraps", "nmi_calltrap", "mchk_calltrap"),
    *("handle_el1h_sync", "handle_el1h_irq", "handle_el1h_serror"),
)
_INTERRUPTS = ("Xapic_isr", "Xtimerint", "Xipi_", "Xlapic_", "Xcpustop", "Xatpic_intr")
_SYSTEM_CALLS = (
    *("fast_syscall_common", "Xfast_syscall", "Xint0x80_syscall"),
    "handle_el0_sync",
)
_STARTS = ("fork_trampoline",)
"""Functions by the entry's name, or by what it begins with."""


class KernelUnwinder(msgspec.Struct, frozen=True, eq=False):
    """Unwinds threads of a kernel; ``name_of`` names the function at an address."""

    unwinder: Unwinder
    memory: Memory
    architecture: Architecture
    layouts: Mapping[str, Layout]
    name_of: Callable[[int], str | None]

    def unwind(self, registers: dict[int, int]) -> Stack:
        """Walk up from ``registers``, through what traps interrupted."""
        frames: list[StackFrame] = []
        end, current = UnwindEnd.NO_REGISTERS, registers
        for _ in range(_MOST_TRAPS):
            part = self.unwinder.unwind(current)
            place, whole = self._entry(part)
            kept = part.frames if place is None else part.frames[: place + 1]
            frames.extend(kept)
            end = UnwindEnd.OUTERMOST if whole else part.end
            following = None
            if place is not None and not whole:
                following = self._interrupted(part.frames[place])
            if following is None:
                break
            current = following
        return Stack(tuple(frames), end)

    def _entry(self, part: Stack) -> tuple[int | None, bool]:
        """Index of the frame that took a trap; whether nothing of the kernel is
        above it."""
        for at, frame in enumerate(part.frames):
            name = self.name_of(frame.lookup_pc) or ""
            if name in _SYSTEM_CALLS or name in _STARTS:
                return at, True
            if name in _ENTRIES or name.startswith(_INTERRUPTS):
                return at, False
        return None, False

    def _interrupted(self, frame: StackFrame) -> dict[int, int] | None:
        """The registers in the trap frame on top of the stack of ``frame``."""
        layout = self.layouts.get("trapframe")
        place = frame.registers.get(self.architecture.stack_pointer)
        if layout is None or place is None:
            return None
        found = trapped_registers(layout, self.memory, place, self.architecture)
        pc = found.get(self.architecture.program_counter, 0)
        # What it interrupted may be a program: its stack is not the kernel's.
        is_kernel = pc >> (8 * self.architecture.pointer_size - 1) == 1
        return found if is_kernel else None
