"""What to do where no call frame information helps: everything here is a guess."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.analysis.unwind.call_site import follows_call
from coresnap.analysis.unwind.step import Registers
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture
from coresnap.errors import MemoryReadError
from coresnap.model import Trust

__all__ = ["Fallback", "Guess"]

_EM_AARCH64 = 183
_FRAME_LIMIT = 1 << 24
"""Largest frame that a frame pointer may span."""
_SCAN_WORDS = 1024


class Guess(msgspec.Struct, frozen=True, eq=False):
    """The caller's registers, and how they were found."""

    registers: Registers
    trust: Trust
    full: bool = False
    """All registers are still what they were."""


class Fallback(msgspec.Struct, frozen=True, eq=False):
    """Finds callers without CFI; ``executable`` says whether code may be at a pc."""

    architecture: Architecture
    memory: Memory
    executable: Callable[[int], bool]

    def find(self, registers: Registers, *, interrupted: bool) -> Guess | None:
        """The caller of a frame with ``registers``; None if nothing looks like one.

        ``interrupted``: the frame is where execution really was, not a caller.
        """
        pc = registers.get(self.architecture.program_counter, 0)
        if interrupted and not self.executable(pc):
            found = self._wild_call(registers)
            if found is not None:
                return found
        return self._frame_pointer(registers) or self._scan(registers)

    def _is_return_address(self, value: int) -> bool:
        return self.executable(value) and follows_call(
            value, self.architecture, self.memory, self.executable
        )

    def _wild_call(self, registers: Registers) -> Guess | None:
        """A call through a bad pointer did nothing yet but to keep its return address:
        on the stack, or in the link register."""
        arch = self.architecture
        sp = registers.get(arch.stack_pointer, 0)
        caller = dict(registers)
        if arch.return_address_on_stack:
            try:
                address = self.memory.read_word(sp)
            except MemoryReadError:
                return None
            caller[arch.stack_pointer] = sp + arch.pointer_size
        else:
            address = registers.get(arch.return_address, 0)
        if not self._is_return_address(address):
            return None
        caller[arch.program_counter] = address
        return Guess(caller, Trust.SCAN, full=True)

    def _frame_pointer(self, registers: Registers) -> Guess | None:
        """x86 and AArch64 keep (caller's frame pointer, return address) there."""
        arch, word = self.architecture, self.architecture.pointer_size
        if not arch.is_x86 and arch.machine != _EM_AARCH64:
            return None
        sp = registers.get(arch.stack_pointer, 0)
        fp = registers.get(arch.frame_pointer, 0)
        if not sp <= fp < sp + _FRAME_LIMIT or fp % word or not self._same(sp, fp):
            return None
        try:
            above = self.memory.read_word(fp)
            address = self.memory.read_word(fp + word)
        except MemoryReadError:
            return None
        if address and not self._is_return_address(address):
            return None
        # On AArch64 the pair is at the bottom of the callee's frame, and the caller's
        # stack pointer at the bottom of its own: where its frame pointer points.
        at_bottom = not arch.is_x86 and above > fp
        return Guess(
            {
                arch.program_counter: address,
                arch.stack_pointer: above if at_bottom else fp + 2 * word,
                arch.frame_pointer: above,
            },
            Trust.FRAME_POINTER,
        )

    def _same(self, first: int, second: int) -> bool:
        mapping = self.memory.find_mapping(first)
        return mapping is not None and mapping.start <= second < mapping.end

    def _scan(self, registers: Registers) -> Guess | None:
        """The first word above the stack pointer that follows a call instruction."""
        arch, word = self.architecture, self.architecture.pointer_size
        sp = registers.get(arch.stack_pointer, 0)
        start = -(-sp // word) * word
        for address in range(start, start + _SCAN_WORDS * word, word):
            try:
                value = self.memory.read_word(address)
            except MemoryReadError:
                return None
            if self._is_return_address(value):
                return self._scanned(registers, address + word, value)
        return None

    def _scanned(self, registers: Registers, sp: int, pc: int) -> Guess:
        arch = self.architecture
        caller = {arch.program_counter: pc, arch.stack_pointer: sp}
        # Most functions between here and there did not touch it, or restored it.
        fp = registers.get(arch.frame_pointer, 0)
        if fp >= sp and self._same(sp, fp):
            caller[arch.frame_pointer] = fp
        return Guess(caller, Trust.SCAN)
