"""Looks for the caller among the words of the stack, and weighs what it finds.

A word may be a return address if a call stands before it. Old ones lie about in frames
that do not fill their locals, so each is tried: the better one is whose call leads to
the function in question, and from which call frame information leads on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import msgspec

from coresnap.analysis.unwind.call_site import call_before
from coresnap.analysis.unwind.step import Registers
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture

__all__ = ["StackScan"]

_SCAN_WORDS = 4096
_CANDIDATE_LIMIT = 32
_SURE = 3
"""Points with which the search ends."""
_REACHES_US, _REACHES_ANOTHER = 6, -2


class StackScan(msgspec.Struct, frozen=True, eq=False):
    """Finds return addresses; ``plausible`` says what is one."""

    arch: Architecture
    memory: Memory
    code_mask: int
    plausible: Callable[[int], bool]

    def best(
        self,
        registers: Registers,
        *,
        span: tuple[int, int],
        function: int | None,
        ahead: Callable[[Registers], int],
        able: Callable[[int], bool],
        least: int = 0,
    ) -> Registers | None:
        """The registers of the best candidate, the lowest of equal ones; None if there
        is none.

        ``span`` bounds the addresses of code. ``function`` is where the function that
        was called begins, None if nobody knows; ``ahead`` says how far a candidate
        leads on, in points, of which it needs the ``least``. The code before its
        return address must be ``able`` to call the function.
        """
        best, most = None, least - 1
        for caller in self.callers(registers, span):
            if not able(caller[self.arch.program_counter]):
                continue
            points = ahead(caller)
            call = call_before(
                caller[self.arch.program_counter], self.arch, self.memory
            )
            if function is not None and call is not None and call.target is not None:
                us = call.target & ~1 == function & ~1
                points += _REACHES_US if us else _REACHES_ANOTHER
            if points > most:
                best, most = caller, points
            if points >= max(_SURE, least):
                break
        return best

    def callers(
        self, registers: Registers, span: tuple[int, int]
    ) -> Iterator[Registers]:
        """The registers of each possible caller, the lowest on the stack first."""
        word, order = self.arch.pointer_size, self.arch.byte_order
        sp = registers.get(self.arch.stack_pointer, 0)
        start = -(-sp // word) * word
        data = self.memory.read_some(start, _SCAN_WORDS * word)
        count = len(data) // word
        layout = f"{'>' if order == 'big' else '<'}{count}{'Q' if word == 8 else 'I'}"
        first, last = span
        # Before code_mask: the lowest bit tells ARM's two kinds of code apart.
        mask = self.code_mask | 1
        found = 0
        for index, value in enumerate(struct.unpack_from(layout, data)):
            if first <= value & mask < last and self.plausible(value & mask):
                address = start + index * word
                caller = self._caller(address, value & self.code_mask, registers)
                if caller[self.arch.stack_pointer] <= sp:
                    continue
                yield caller
                found += 1
                if found >= _CANDIDATE_LIMIT:
                    return

    def _caller(self, address: int, pc: int, registers: Registers) -> Registers:
        """Registers if what lies at ``address`` is the return address."""
        arch = self.arch
        sp, fp = address + arch.stack_slot, registers.get(arch.frame_pointer, 0)
        if arch.family == "aarch64":
            # The return address is saved behind the caller's frame pointer, which
            # points to the bottom of the caller's frame.
            below = self._word(address - 8)
            if below > address and self._same_mapping(address, below):
                sp = fp = below
        elif arch.family == "s390x":
            # r15 is saved behind r14.
            above = self._word(address + 8)
            sp = above if above == address - 112 else sp
        elif arch.family == "ppc64":
            sp = address - 16
        caller = {arch.program_counter: pc, arch.stack_pointer: sp}
        # Most functions between here and there did not touch it, or restored it.
        if fp >= sp and self._same_mapping(sp, fp):
            caller[arch.frame_pointer] = fp
        return caller

    def _word(self, address: int) -> int:
        data = self.memory.read_some(address, self.memory.pointer_size)
        if len(data) < self.memory.pointer_size:
            return 0
        return int.from_bytes(data, self.memory.byte_order)

    def _same_mapping(self, first: int, second: int) -> bool:
        mapping = self.memory.find_mapping(first)
        return mapping is not None and mapping.start <= second < mapping.end
