"""What to do where neither CFI nor the code leads on: guesses, best first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from coresnap.analysis.unwind.call_site import call_before
from coresnap.analysis.unwind.effort import Effort
from coresnap.analysis.unwind.frame_chain import follow_chain
from coresnap.analysis.unwind.function_starts import FunctionStart
from coresnap.analysis.unwind.stack_scan import StackScan
from coresnap.analysis.unwind.step import Registers
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule
from coresnap.elfcore.registers import Architecture
from coresnap.errors import MemoryReadError
from coresnap.model import Trust

__all__ = ["Fallback", "Guess", "KnownCode"]

_ENDS = 9
"""Points of a guess that leads to the end of the stack."""
_RULES_LIMIT = 4
"""Frames between code without a frame and the chain's next one."""
_LEAF_SIZE = 4096
"""Bytes from a function's start in which a leaf function's pc is believed to be."""


class KnownCode(Protocol):
    """What guesses ask about code."""

    arch: Architecture
    memory: Memory
    code_mask: int
    effort: Effort

    @property
    def span(self) -> tuple[int, int]:
        """The lowest address of code, and the end of the highest."""

    def is_executable(self, pc: int) -> bool:
        """Whether the process could execute what is at ``pc``."""

    def returns_to(self, value: int) -> bool | None:
        """Whether ``value`` is behind a call; None if that cannot be looked at."""

    def is_generated(self, pc: int) -> bool:
        """Whether the code at ``pc`` is of no file, as a compiler at run time makes."""

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
    leave: Callable[[Registers], Registers | None]
    """By the rules of the code at a return address, to its own caller."""

    def find(
        self,
        registers: Registers,
        *,
        interrupted: bool,
        smashed: bool = False,
        chained: bool = False,
    ) -> Guess | None:
        """The caller of a frame with ``registers``; None if nothing looks like one.

        ``interrupted``: the frame is where execution really was, not a caller.
        ``smashed``: its return address is known, and is none, so that the next frame
        that makes sense is wanted. ``chained``: the frame itself was found by the
        chain, so that the chain's end may be the stack's; the caller's pc is 0 then.
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
            between = self._frameless(registers, caller, pc)
            return between or Guess(caller, Trust.FRAME_POINTER)
        return self._scan(registers, None if smashed else pc)

    def _frameless(
        self, registers: Registers, caller: Registers, pc: int
    ) -> Guess | None:
        """The frame below the one that the frame pointer belongs to.

        Code without a frame of its own leaves the frame pointer as it was: then a
        return address below leads by rules to where the chain does, and could not
        without the frame pointer.
        """
        arch = self.code.arch
        if not arch.is_x86 or not self.code.effort.take_scan():
            return None
        fp = registers[arch.frame_pointer]
        for candidate in self._stack_scan.callers(registers, self.code.span):
            if candidate[arch.stack_pointer] > fp:
                return None
            if not self._could_call(candidate[arch.program_counter], pc):
                continue
            lost = {k: v for k, v in candidate.items() if k != arch.frame_pointer}
            if self._meets(candidate, caller) and not self._meets(lost, caller):
                return Guess(candidate, Trust.SCAN)
        return None

    def _could_call(self, address: int, pc: int) -> bool:
        """Whether the call before ``address`` may be of the function at ``pc``.

        Generated code is not called by its address, but by its own like.
        """
        if not self.code.is_generated(pc):
            return True
        call = call_before(address, self.code.arch, self.code.memory)
        if call is None or call.target is None:
            return True
        find = self.code.memory.find_mapping
        return find(call.target) is find(pc)

    def _meets(self, registers: Registers, caller: Registers) -> bool:
        """Whether rules lead from ``registers`` to the frame of ``caller``."""
        pc_number = self.code.arch.program_counter
        above: Registers | None = registers
        for _ in range(_RULES_LIMIT):
            above = None if above is None else self.leave(above)
            if above is None:
                return False
            # Not by the stack pointer: the chain's is wrong above a realigned frame.
            if above[pc_number] == caller[pc_number]:
                return True
        return False

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

    def _scan(
        self, registers: Registers, pc: int | None, least: int = 0
    ) -> Guess | None:
        if not self.code.effort.take_scan():
            return None
        start = None if pc is None else self.code.function_start(pc)
        found = self._stack_scan.best(
            registers,
            span=self.code.span,
            function=start.address if start is not None and start.named else None,
            ahead=self.ahead,
            able=lambda address: pc is None or self._could_call(address, pc),
            least=least,
        )
        return None if found is None else Guess(found, Trust.SCAN)

    @property
    def _stack_scan(self) -> StackScan:
        code = self.code
        return StackScan(code.arch, code.memory, code.code_mask, self._returns)
