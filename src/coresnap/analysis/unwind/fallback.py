"""What to do where neither CFI nor the code leads on: guesses, best first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from coresnap.analysis.unwind.call_site import call_before
from coresnap.analysis.unwind.frame_chain import follow_chain
from coresnap.analysis.unwind.function_starts import FunctionStart
from coresnap.analysis.unwind.stack_scan import scan_stack
from coresnap.analysis.unwind.step import Registers
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule
from coresnap.elfcore.registers import Architecture
from coresnap.errors import MemoryReadError
from coresnap.model import Trust

__all__ = ["Fallback", "Guess", "KnownCode"]

_ENDS = 9
"""Points of a guess that leads to the end of the stack."""
_LEAF_SIZE = 4096
"""Bytes from a function's start in which a leaf function's pc is believed to be."""


class KnownCode(Protocol):
    """What guesses ask about code."""

    arch: Architecture
    memory: Memory
    code_mask: int

    @property
    def span(self) -> tuple[int, int]:
        """The lowest address of code, and the end of the highest."""

    def is_executable(self, pc: int) -> bool:
        """Whether the process could execute what is at ``pc``."""

    def returns_to(self, value: int) -> bool | None:
        """Whether ``value`` is behind a call; None if that cannot be looked at."""

    def find_module(self, pc: int) -> LoadedModule | None:
        """The module that ``pc`` is in."""

    def function_start(self, pc: int) -> FunctionStart | None:
        """The function that ``pc`` is in; None if nobody tells."""


class Guess(msgspec.Struct, frozen=True, eq=False):
    """The caller's registers, and how they were found."""

    registers: Registers
    trust: Trust
    full: bool = False
    """All registers are still what they were."""


class Fallback(msgspec.Struct, frozen=True, eq=False):
    """Finds callers; ``ahead`` says how many frames lead on from registers."""

    code: KnownCode
    ahead: Callable[[Registers], int]

    def find(
        self,
        registers: Registers,
        *,
        interrupted: bool,
        chained: bool = False,
    ) -> Guess | None:
        """The caller of a frame with ``registers``; None if nothing looks like one.

        ``interrupted``: the frame is where execution really was, not a caller.
        ``chained``: the frame itself was found by the chain, so that the chain's end
        may be the stack's; the caller's pc is 0 then.
        """
        pc = registers.get(self.code.arch.program_counter, 0)
        if interrupted:
            wild = not self.code.is_executable(pc)
            found = self._wild_call(registers) if wild else self._leaf(registers, pc)
            if found is not None:
                return found
        arch = self.code.arch
        if chained and registers.get(arch.frame_pointer) == 0:
            # On x86 code without frame pointers may stand above, down to the entry.
            found = self._scan(registers, pc, _ENDS) if arch.is_x86 else None
            return found or Guess({arch.program_counter: 0}, Trust.FRAME_POINTER)
        caller = follow_chain(registers, arch, self.code.memory, self._may_return)
        if caller is not None:
            return Guess(caller, Trust.FRAME_POINTER)
        return self._scan(registers, pc)

    def _may_return(self, value: int) -> bool:
        """Not refuted: a chain is a good witness where code is not in the core."""
        masked = value & self.code.code_mask
        return self.code.returns_to(value if masked == value & ~1 else masked) is not (
            False
        )

    def _returns(self, value: int) -> bool:
        return self.code.returns_to(value) is True

    def _wild_call(self, registers: Registers) -> Guess | None:
        """A call through a bad pointer did nothing yet but to keep its return address:
        on the stack, or in the link register."""
        arch = self.code.arch
        sp = registers.get(arch.stack_pointer, 0)
        caller = dict(registers)
        if arch.return_address_on_stack:
            try:
                address = self.code.memory.read_word(sp)
            except MemoryReadError:
                return None
            caller[arch.stack_pointer] = sp + arch.stack_slot
        else:
            address = registers.get(arch.return_address, 0)
        if not self._returns(address):
            return None
        caller[arch.program_counter] = address & self.code.code_mask
        return Guess(caller, Trust.SCAN, full=True)

    def _leaf(self, registers: Registers, pc: int) -> Guess | None:
        """A function that calls none leaves its return address in the link register;
        in others it is from the last call that they made themselves."""
        arch = self.code.arch
        address = registers.get(arch.return_address, 0)
        if arch.return_address_on_stack or not self._may_return(address):
            return None
        masked = address & self.code.code_mask
        if self.code.find_module(masked) is self.code.find_module(pc):
            call = call_before(address, arch, self.code.memory)
            target = None if call is None else call.target
            if target is None or not 0 <= pc - target < _LEAF_SIZE:
                return None
            if target <= address <= pc:
                return None
        return Guess({**registers, arch.program_counter: masked}, Trust.SCAN, full=True)

    def _scan(self, registers: Registers, pc: int, least: int = 0) -> Guess | None:
        start = self.code.function_start(pc)
        found = scan_stack(
            registers,
            self.code.arch,
            self.code.memory,
            plausible=self._returns,
            span=self.code.span,
            function=start.address if start is not None and start.named else None,
            ahead=self.ahead,
            least=least,
            code_mask=self.code.code_mask,
        )
        return None if found is None else Guess(found, Trust.SCAN)
