"""The code of a process: which module a pc is in, how to leave the function there."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.unwind.cfi import Fde
from coresnap.analysis.unwind.effort import Effort
from coresnap.analysis.unwind.pointer_encoding import PointerReader
from coresnap.analysis.unwind.rules import RuleKind, row_at
from coresnap.analysis.unwind.sections import ModuleCfi, debug_file_cfi, module_cfi
from coresnap.analysis.unwind.step import Apply, Registers, Step, compile_row
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.modules import AT_ENTRY, LoadedModule
from coresnap.errors import MemoryReadError
from coresnap.model import Trust

# What reads machine code is imported where it is needed: CFI leads through most cores.
if TYPE_CHECKING:
    from coresnap.analysis.unwind.exidx import ExceptionIndex
    from coresnap.analysis.unwind.function_starts import FunctionStart, FunctionStarts

__all__ = ["Code", "DebugFile"]

_ENTRY_SIZE = 128
"""Bytes of the function at the entry point: often without CFI, never with a caller."""
_ENTRY_PAD = 4
_PF_X = 1

DebugFile = Callable[[LoadedModule], ElfFile | None]


class Code:
    """Steps by lookup pc, made when they are first needed."""

    def __init__(self, core: CoreFile, debug_file: DebugFile | None) -> None:
        self.memory = core.memory
        self.arch = core.architecture
        self.code_mask = core.facts.code_mask or core.architecture.code_mask
        self.steps: dict[int, Step] = {}
        self.effort = Effort()
        self._interrupted: dict[int, Step] = {}
        self._code_steps: dict[int, Step] = {}
        self._modules = core.modules
        self._knows_files = bool(core.mapped_files)
        self._module_starts = [module.start for module in core.modules]
        self._debug_file = debug_file
        self._entry = core.auxv.get(AT_ENTRY, 1 << 64) & ~1
        self._cfi: dict[int, ModuleCfi] = {}
        self._debug_file_cfi: dict[int, ModuleCfi] = {}
        self._indexes: dict[int, ExceptionIndex | None] = {}
        self._starts: dict[int, FunctionStarts] = {}
        self._return_addresses: dict[int, bool | None] = {}

    def interrupted_at(self, pc: int) -> Step:
        """What is known about the code at ``pc``, where execution really was."""
        step = self._interrupted.get(pc)
        if step is None:
            step = self._interrupted[pc] = self._make_step(pc, caller=False)
        return step

    def step_at(self, lookup_pc: int) -> Step:
        """What is known about the code at ``lookup_pc``, one below a caller's pc."""
        step = self.steps.get(lookup_pc)
        if step is None:
            step = self.steps[lookup_pc] = self._make_step(lookup_pc, caller=True)
        return step

    def code_step_at(self, lookup_pc: int) -> Step:
        """What the code tells, whatever CFI says."""
        step = self._code_steps.get(lookup_pc)
        if step is None:
            module = self.find_module(lookup_pc)
            step = self._code_steps[lookup_pc] = self._step_by_code(module, lookup_pc)
        return step

    def is_executable(self, pc: int) -> bool:
        """Whether the process could execute what is at ``pc``."""
        mapping = self.memory.find_mapping(pc)
        if mapping is not None and "?" not in mapping.permissions:
            return "x" in mapping.permissions
        module = self.find_module(pc)
        headers = (module.elf or module.image) if module else None
        if module is None or headers is None:
            return module is not None
        address = pc - module.load_bias
        return any(
            load.flags & _PF_X and load.vaddr <= address < load.vaddr + load.memsz
            for load in headers.loads
        )

    def is_entry(self, pc: int) -> bool:
        """Whether ``pc`` is in the function at the program's entry point."""
        if not 0 <= pc - self._entry < _ENTRY_SIZE:
            return False
        start = self.function_start(pc)
        # A pad may stand between the entry point and the symbol of what begins there.
        return start is None or start.address <= self._entry + _ENTRY_PAD

    @functools.cached_property
    def span(self) -> tuple[int, int]:
        """The lowest address of code, and the end of the highest."""
        parts = [(m.start, m.end) for m in self._modules]
        parts += [
            (m.start, m.end) for m in self.memory.mappings if "x" in m.permissions
        ]
        ends = [end for _, end in parts]
        return min(parts, default=(0, 0))[0], max(ends, default=0)

    def returns_to(self, value: int) -> bool | None:
        """Whether ``value`` is the address behind a call; None if its code is not
        there to be looked at."""
        if value not in self._return_addresses:
            self._return_addresses[value] = self._follows_call(value)
        return self._return_addresses[value]

    def _follows_call(self, value: int) -> bool | None:
        from coresnap.analysis.unwind.call_site import call_before
        from coresnap.analysis.unwind.trampoline import trampoline_at

        if not self.is_executable(value & self.code_mask):
            return False
        call = call_before(value, self.arch, self.memory)
        if call is not None:
            return call.target is None or self.is_executable(call.target)
        if trampoline_at(value, self.arch, self.memory, self.code_mask) is not None:
            return True
        return None if not self.memory.read_some((value & ~1) - 4, 4) else False

    def is_generated(self, pc: int) -> bool:
        """Whether the code at ``pc`` is of no file, as a compiler at run time makes."""
        if not self._knows_files or self.find_module(pc) is not None:
            return False
        return bool(self.memory.read_some(pc, 1))

    def find_module(self, pc: int) -> LoadedModule | None:
        """The module that ``pc`` is in."""
        index = bisect_right(self._module_starts, pc) - 1
        if index >= 0 and pc < self._modules[index].end:
            return self._modules[index]
        return None

    def function_start(self, pc: int) -> FunctionStart | None:
        """The function that ``pc`` is in; None if nobody tells."""
        module = self.find_module(pc)
        if module is None:
            return None
        starts = self._starts.get(module.start)
        if starts is None:
            from coresnap.analysis.unwind.function_starts import FunctionStarts

            debug_file = self._debug_file(module) if self._debug_file else None
            starts = FunctionStarts(
                module, self.arch, self.memory, self.effort, debug_file
            )
            self._starts[module.start] = starts
        return starts.find(pc)

    def _make_step(self, pc: int, *, caller: bool) -> Step:
        module = self.find_module(pc)
        if not self.is_executable(pc):
            # A trampoline may begin its mapping, one above a caller's lookup pc.
            step = self._behind(module, pc) if caller else None
            return step or Step(module, False)
        step = None if module is None else self._step_by_cfi(module, pc, caller=caller)
        if step is None:
            step = self._behind(module, pc) if caller else self._signal_step(module, pc)
        return step or self._step_by_code(module, pc)

    def _step_by_cfi(
        self, module: LoadedModule, pc: int, *, caller: bool
    ) -> Step | None:
        address = pc - module.load_bias & self.arch.pointer_mask
        try:
            found = self._find_cfi(module, address)
            if found is None:
                return None
            fde, reader = found
            signal = fde.cie.signal_frame
            if caller and fde.end == address + 1 and not signal:
                # A call that ends its function, or what begins behind it was planted.
                step = self._behind(module, pc)
                if step is not None:
                    return step
            row = row_at(fde, address, reader)
            column = fde.cie.return_address
            rule = row.rules.get(column)
            outermost = rule is not None and rule.kind is RuleKind.UNDEFINED
            apply = compile_row(row, column, self.arch, self.memory, self.code_mask)
        except DecodeError:
            return None
        return Step(module, True, signal, outermost, apply, exact=signal)

    def _behind(self, module: LoadedModule | None, pc: int) -> Step | None:
        """What begins one above a caller's lookup pc: no call can have led there."""
        return self._signal_step(module, pc + 1) or self._planted_step(module, pc)

    def _planted_step(self, module: LoadedModule | None, pc: int) -> Step | None:
        """A caller's pc that no call pushed, but someone planted: makecontext does."""
        from coresnap.analysis.unwind.call_site import call_before

        if module is None or call_before(pc + 1, self.arch, self.memory) is not None:
            return None
        try:
            found = self._find_cfi(module, pc + 1 - module.load_bias)
        except DecodeError:
            return None
        if found is None or found[0].start != pc + 1 - module.load_bias:
            return None
        step = self._step_by_cfi(module, pc + 1, caller=False)
        return None if step is None else msgspec.structs.replace(step, exact=True)

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
            cfi = self._cfi[module.start] = module_cfi(module, self.memory)
        return cfi

    def _debug_file_cfi_of(self, module: LoadedModule, find: DebugFile) -> ModuleCfi:
        cfi = self._debug_file_cfi.get(module.start)
        if cfi is None:
            elf = find(module)
            cfi = ModuleCfi(None, None, ()) if elf is None else debug_file_cfi(elf)
            self._debug_file_cfi[module.start] = cfi
        return cfi

    def _signal_step(self, module: LoadedModule | None, pc: int) -> Step | None:
        """A signal's trampoline that begins at ``pc``."""
        from coresnap.analysis.unwind.trampoline import trampoline_at

        apply = trampoline_at(pc, self.arch, self.memory, self.code_mask)
        if apply is None or not self.is_executable(pc):
            return None
        return Step(module, True, True, False, apply, Trust.CONTEXT, exact=True)

    def _step_by_code(self, module: LoadedModule | None, pc: int) -> Step:
        if self.is_entry(pc):
            return Step(module, True, outermost=True)
        from coresnap.analysis.unwind.prologue.reader import compile_layout, layout_at

        table, last = None, False
        if module is not None and self.arch.family == "arm":
            table, last = self._table_entry(module, pc)
        start = self.function_start(pc)
        layout = None
        if start is not None and self.effort.take_code(pc - start.address):
            layout = layout_at(
                self.arch, self.memory, start.address, pc, alone=start.named
            )
        if start is None or layout is None:
            return Step(module, True, apply=table, last=last)
        read = compile_layout(
            layout, self.arch, self.memory, self.code_mask, certain=start.named
        )
        if table is not None:
            return Step(module, True, apply=_exact_where_it_matters(read, table))
        outermost = layout.outermost and start.named
        return Step(module, True, False, outermost, read, Trust.PROLOGUE, last=last)

    def _table_entry(self, module: LoadedModule, pc: int) -> tuple[Apply | None, bool]:
        """By ARM's own table; and whether that says that nothing leads on."""
        from coresnap.analysis.unwind.exidx import compile_entry, exception_index

        if module.start not in self._indexes:
            self._indexes[module.start] = exception_index(module, self.memory)
        index = self._indexes[module.start]
        try:
            code = b"" if index is None else index.find(pc)
        except DecodeError:
            return None, False
        if not code:
            return None, code is None
        return compile_entry(code, self.memory, self.code_mask), False


def _exact_where_it_matters(by_code: Apply, by_table: Apply) -> Apply:
    """ARM's tables hold in a function's body, where callers are; one that was
    interrupted may be in its prologue, which its code tells."""

    def apply(registers: Registers, full: bool) -> tuple[int, Registers, bool]:
        if full:
            try:
                return by_code(registers, full)
            except (ExpressionError, MemoryReadError):
                pass
        return by_table(registers, full)

    return apply
