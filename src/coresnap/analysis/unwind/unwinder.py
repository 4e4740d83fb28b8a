"""Walks the stacks of a core, one thread at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.unwind.cfi import Fde
from coresnap.analysis.unwind.fallback import Fallback
from coresnap.analysis.unwind.pointer_encoding import PointerReader
from coresnap.analysis.unwind.rules import RuleKind, row_at
from coresnap.analysis.unwind.sections import ModuleCfi, debug_file_cfi, module_cfi
from coresnap.analysis.unwind.stack import Stack, StackFrame
from coresnap.analysis.unwind.step import Registers, Step, compile_row
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.modules import AT_ENTRY, LoadedModule
from coresnap.errors import MemoryReadError
from coresnap.model import Trust, UnwindEnd

__all__ = ["Stack", "StackFrame", "Unwinder"]

_FRAME_LIMIT = 10_000
_ENTRY_SIZE = 128
"""Bytes of the function at the entry point: often without CFI, never with a caller."""
_PF_X = 1

DebugFile = Callable[[LoadedModule], ElfFile | None]


class Unwinder:
    """Unwinds threads of ``core``; what it learns about code serves all of them.

    ``debug_file`` finds a module's separate debug file, which may hold a .debug_frame;
    it is asked where the module itself has no CFI. A stack ends at ``frame_limit``
    frames.
    """

    def __init__(
        self,
        core: CoreFile,
        *,
        debug_file: DebugFile | None = None,
        frame_limit: int = _FRAME_LIMIT,
    ) -> None:
        self._memory = core.memory
        self._architecture = core.architecture
        self._modules = core.modules
        self._module_starts = [module.start for module in core.modules]
        self._debug_file = debug_file
        self._frame_limit = frame_limit
        self._entry = core.auxv.get(AT_ENTRY, 1 << 64)
        self._cfi: dict[int, ModuleCfi] = {}
        self._debug_file_cfi: dict[int, ModuleCfi] = {}
        self._steps: dict[int, Step] = {}
        self._fallback = Fallback(core.architecture, core.memory, self._is_executable)

    def unwind(self, registers: Registers) -> Stack:
        """Walk up from ``registers``, those of a thread."""
        arch = self._architecture
        pc = registers.get(arch.program_counter)
        if pc is None or arch.stack_pointer not in registers:
            return Stack((), UnwindEnd.NO_REGISTERS)
        return self._walk(registers, pc)

    def step_at(self, lookup_pc: int) -> Step:
        """What is known about the code at ``lookup_pc``."""
        step = self._steps.get(lookup_pc)
        if step is None:
            step = self._steps[lookup_pc] = self._make_step(lookup_pc)
        return step

    def _make_step(self, pc: int) -> Step:
        module = self._find_module(pc)
        executable = self._is_executable(pc)
        if module is None:
            return Step(None, executable)
        address = pc - module.load_bias & self._architecture.pointer_mask
        try:
            found = self._find_cfi(module, address)
            if found is None or not executable:
                return Step(module, executable)
            fde, reader = found
            row = row_at(fde, address, reader)
            column, signal = fde.cie.return_address, fde.cie.signal_frame
            rule = row.rules.get(column)
            outermost = rule is not None and rule.kind is RuleKind.UNDEFINED
            apply = compile_row(row, column, self._architecture, self._memory)
        except DecodeError:
            return Step(module, executable)
        return Step(module, executable, signal, outermost, apply)

    def _find_module(self, pc: int) -> LoadedModule | None:
        index = bisect_right(self._module_starts, pc) - 1
        if index >= 0 and pc < self._modules[index].end:
            return self._modules[index]
        return None

    def _find_cfi(
        self, module: LoadedModule, address: int
    ) -> tuple[Fde, PointerReader] | None:
        found = self._cfi_of(module).find(address)
        if found is None and self._debug_file is not None:
            found = self._debug_file_cfi_of(module, self._debug_file).find(address)
        return found

    def _cfi_of(self, module: LoadedModule) -> ModuleCfi:
        cfi = self._cfi.get(module.start)
        if cfi is None:
            cfi = self._cfi[module.start] = module_cfi(module, self._memory)
        return cfi

    def _debug_file_cfi_of(self, module: LoadedModule, find: DebugFile) -> ModuleCfi:
        cfi = self._debug_file_cfi.get(module.start)
        if cfi is None:
            elf = find(module)
            cfi = ModuleCfi(None, None, ()) if elf is None else debug_file_cfi(elf)
            self._debug_file_cfi[module.start] = cfi
        return cfi

    def _is_executable(self, pc: int) -> bool:
        mapping = self._memory.find_mapping(pc)
        if mapping is not None and "?" not in mapping.permissions:
            return "x" in mapping.permissions
        module = self._find_module(pc)
        headers = (module.elf or module.image) if module else None
        if module is None or headers is None:
            return module is not None
        address = pc - module.load_bias
        return any(
            load.flags & _PF_X and load.vaddr <= address < load.vaddr + load.memsz
            for load in headers.loads
        )

    def _walk(self, registers: Registers, pc: int) -> Stack:
        steps, step_at = self._steps, self.step_at
        arch = self._architecture
        pc_number, sp_number = arch.program_counter, arch.stack_pointer
        frames: list[StackFrame] = []
        signal_stacks: set[int] = set()
        lookup, trust, full, interrupted = pc, Trust.CONTEXT, True, True
        while True:
            step = steps.get(lookup) or step_at(lookup)
            cfa, caller, more, end = self._apply(step, registers, full)
            signal = step.signal_frame
            frames.append(
                StackFrame(
                    pc,
                    pc if signal else lookup,
                    cfa,
                    registers,
                    trust,
                    signal,
                    step.module,
                )
            )
            if step.outermost:
                return Stack(tuple(frames), UnwindEnd.OUTERMOST)
            if len(frames) >= self._frame_limit:
                return Stack(tuple(frames), UnwindEnd.FRAME_LIMIT)
            trust = Trust.CFI
            if signal:
                if cfa in signal_stacks:
                    return Stack(tuple(frames), UnwindEnd.NO_PROGRESS)
                signal_stacks.add(cfa or 0)
            elif caller is not None:
                caller_pc = caller[pc_number]
                if caller_pc == 0:
                    return Stack(tuple(frames), UnwindEnd.ZERO_RETURN_ADDRESS)
                below = caller_pc - 1
                if not (steps.get(below) or step_at(below)).executable:
                    caller, end = None, UnwindEnd.NO_RULE
                elif (
                    caller.get(sp_number, 0) <= registers.get(sp_number, 0)
                ) and self._stands_still(registers, caller, full):
                    caller, end = None, UnwindEnd.NO_PROGRESS
            if caller is None:
                if 0 <= pc - self._entry < _ENTRY_SIZE:
                    return Stack(tuple(frames), UnwindEnd.OUTERMOST)
                guess = self._fallback.find(registers, interrupted=interrupted)
                if guess is None:
                    return Stack(tuple(frames), end)
                caller, trust, more = guess.registers, guess.trust, guess.full
                if caller[pc_number] == 0:
                    return Stack(tuple(frames), UnwindEnd.ZERO_RETURN_ADDRESS)
            registers, full, interrupted = caller, more or signal, signal
            pc = registers[pc_number]
            lookup = pc if signal else pc - 1

    def _apply(
        self, step: Step, registers: Registers, full: bool
    ) -> tuple[int | None, Registers | None, bool, UnwindEnd]:
        if step.apply is not None:
            try:
                return *step.apply(registers, full), UnwindEnd.NO_RULE
            except MemoryReadError:
                return None, None, False, UnwindEnd.UNREADABLE
            except ExpressionError:
                pass
        return None, None, False, UnwindEnd.NO_RULE

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
