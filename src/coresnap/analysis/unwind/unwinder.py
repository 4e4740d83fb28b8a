"""Walks the stacks of a core, one thread at a time."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.unwind.code import Code, DebugFile
from coresnap.analysis.unwind.stack import FrameKeeper, Stack, StackFrame
from coresnap.analysis.unwind.step import Registers, Step
from coresnap.elfcore.corefile import CoreFile
from coresnap.errors import MemoryReadError
from coresnap.model import Trust, UnwindEnd

# Guessing is imported where it is needed: CFI leads through most cores.
if TYPE_CHECKING:
    from coresnap.analysis.unwind.fallback import Fallback, Guess

__all__ = ["Stack", "StackFrame", "Unwinder"]

_FRAME_LIMIT = 10_000
_AHEAD_LIMIT = 6
"""Frames that are tried behind a guess."""
_REFUTED, _UNKNOWN, _COMPLETE = 0, 3, 6
"""What a guess is worth from which a rule leads to nowhere, from which none can be
applied, and what the end of the stack is worth behind one."""


class Unwinder:
    """Unwinds threads of ``core``; what it learns about code serves all of them.

    ``debug_file`` finds a module's separate debug file, which may hold a .debug_frame
    and symbols; it is asked where the module itself has none. Of a longer stack than
    ``frame_limit`` frames the middle is left out; without ``to_the_end`` the stack ends
    there.
    """

    def __init__(
        self,
        core: CoreFile,
        *,
        debug_file: DebugFile | None = None,
        frame_limit: int = _FRAME_LIMIT,
        to_the_end: bool = True,
    ) -> None:
        self._memory = core.memory
        self._architecture = core.architecture
        self._frame_limit = frame_limit
        self._to_the_end = to_the_end
        self._code = Code(core, debug_file)

    @functools.cached_property
    def _fallback(self) -> Fallback:
        from coresnap.analysis.unwind.fallback import Fallback

        return Fallback(self._code, self._ahead, self._leave)

    def unwind(self, registers: Registers) -> Stack:
        """Walk up from ``registers``, those of a thread."""
        arch = self._architecture
        pc = registers.get(arch.program_counter)
        if pc is None or arch.stack_pointer not in registers:
            return Stack((), UnwindEnd.NO_REGISTERS)
        return self._walk(registers, pc)

    def _walk(self, registers: Registers, pc: int) -> Stack:
        steps, step_at = self._code.steps, self._code.step_at
        arch = self._architecture
        pc_number, sp_number = arch.program_counter, arch.stack_pointer
        kept = FrameKeeper(self._frame_limit)
        signal_stacks: set[int] = set()
        lookup, trust, full, interrupted = pc, Trust.CONTEXT, True, True
        while True:
            if interrupted:
                step = self._code.interrupted_at(lookup)
            else:
                step = steps.get(lookup) or step_at(lookup)
            cfa, caller, more, end = self._apply(step, registers, full)
            signal = step.signal_frame
            chained = trust is Trust.FRAME_POINTER
            is_full = kept.add(
                StackFrame(
                    pc,
                    pc if step.exact else lookup,
                    cfa,
                    registers,
                    trust,
                    signal,
                    step.module,
                )
            )
            if step.outermost:
                return kept.stack(UnwindEnd.OUTERMOST)
            if is_full and not (self._to_the_end and self._code.effort.take_frame()):
                return kept.stack(UnwindEnd.FRAME_LIMIT)
            trust, smashed = step.trust, False
            if signal:
                if cfa in signal_stacks:
                    return kept.stack(UnwindEnd.NO_PROGRESS)
                signal_stacks.add(cfa or 0)
            elif caller is not None:
                caller_pc = caller[pc_number]
                if caller_pc == 0:
                    return kept.stack(UnwindEnd.ZERO_RETURN_ADDRESS)
                elif not (
                    steps.get(caller_pc - 1) or step_at(caller_pc - 1)
                ).executable:
                    caller, end, smashed = None, UnwindEnd.NO_RULE, True
                elif (
                    caller.get(sp_number, 0) <= registers.get(sp_number, 0)
                ) and self._stands_still(registers, caller, full):
                    caller, end = None, UnwindEnd.NO_PROGRESS
            if caller is None:
                if (step.exact and not signal) or self._code.is_entry(lookup):
                    return kept.stack(UnwindEnd.OUTERMOST)
                guess = self._by_code(
                    step, lookup, registers, full
                ) or self._fallback.find(
                    registers,
                    interrupted=interrupted,
                    smashed=smashed,
                    chained=chained,
                )
                reason = self._why_no_guess(guess, registers)
                if guess is None or reason is not None:
                    end = UnwindEnd.OUTERMOST if step.last else reason or end
                    return kept.stack(end)
                caller, trust, more = guess.registers, guess.trust, guess.full
            registers, full, interrupted = caller, more or signal, signal
            pc = registers[pc_number]
            lookup = pc if signal else pc - 1

    def _apply(
        self, step: Step, registers: Registers, full: bool
    ) -> tuple[int | None, Registers | None, bool, UnwindEnd]:
        if step.apply is not None:
            try:
                found = step.apply(registers, full)
                if step.trust is not Trust.PROLOGUE or self._is_likely(found[1]):
                    return *found, UnwindEnd.NO_RULE
            except MemoryReadError:
                return None, None, False, UnwindEnd.UNREADABLE
            except ExpressionError:
                pass
        return None, None, False, UnwindEnd.NO_RULE

    def _by_code(
        self, step: Step, lookup: int, registers: Registers, full: bool
    ) -> Guess | None:
        """By the function's code where its CFI needs what is lost, or misleads."""
        if step.apply is None or step.trust is not Trust.CFI:
            return None
        read = self._code.code_step_at(lookup)
        _, caller, _, _ = self._apply(read, registers, full)
        if caller is None or not self._is_likely(caller):
            return None
        sp_number = self._architecture.stack_pointer
        from coresnap.analysis.unwind.fallback import Guess

        moves = caller.get(sp_number, 0) > registers.get(sp_number, 0)
        if not moves and self._stands_still(registers, caller, full):
            return None
        return Guess(caller, Trust.PROLOGUE)

    def _why_no_guess(
        self, guess: Guess | None, registers: Registers
    ) -> UnwindEnd | None:
        """Why the stack ends with this guess, if it does."""
        arch = self._architecture
        if guess is None:
            return None
        if guess.registers[arch.program_counter] == 0:
            return UnwindEnd.ZERO_RETURN_ADDRESS
        above = guess.registers.get(arch.stack_pointer, 0)
        if not guess.full and above <= registers.get(arch.stack_pointer, 0):
            return UnwindEnd.NO_PROGRESS
        return None

    def _is_likely(self, caller: Registers) -> bool:
        """Whether code that was read may be right: it led to behind a call, to a
        signal's trampoline, or to the zero that ends a thread."""
        caller_pc = caller[self._architecture.program_counter]
        if caller_pc == 0 or self._code.returns_to(caller_pc):
            return True
        return self._code.step_at(caller_pc - 1).signal_frame

    def _ahead(self, registers: Registers) -> int:
        """How well a guess leads on, by more than guesses."""
        arch = self._architecture
        pc_number, sp_number = arch.program_counter, arch.stack_pointer
        points = _UNKNOWN
        for _ in range(_AHEAD_LIMIT):
            step = self._code.step_at(registers[pc_number] - 1)
            if step.outermost:
                return points + _COMPLETE
            if step.apply is None or step.signal_frame:
                break
            try:
                _, caller, _ = step.apply(registers, False)
            except (MemoryReadError, ExpressionError):
                break
            if not self._is_likely(caller):
                # Where the stack pointer itself is a guess, nothing is refuted.
                exact = arch.return_address_on_stack and points == _UNKNOWN
                return _REFUTED if exact else points
            if caller.get(sp_number, 0) <= registers.get(sp_number, 0):
                break
            if caller[pc_number] == 0:
                break
            registers, points = caller, points + 1
        return points

    def _leave(self, registers: Registers) -> Registers | None:
        """The caller by the rules of the code at a return address."""
        step = self._code.step_at(registers[self._architecture.program_counter] - 1)
        return self._apply(step, registers, False)[1]

    def _stands_still(
        self, registers: Registers, caller: Registers, full: bool
    ) -> bool:
        """Whether the caller's frame is not above this one, though it should be."""
        sp_number = self._architecture.stack_pointer
        sp, above = registers.get(sp_number), caller.get(sp_number)
        if sp is None or above is None:
            return above is not None  # a lost one: the next frame is the last
        if above == sp and full and not self._architecture.return_address_on_stack:
            return False  # a leaf function without a frame: its caller is elsewhere
        # A function may switch stacks: then the caller's is another mapping.
        mapping = self._memory.find_mapping(sp)
        return mapping is None or mapping.start <= above < mapping.end
