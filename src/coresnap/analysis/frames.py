"""From a stack to frames for people: functions, inlined ones too, lines, variables.

What there is at an address is planned once (``frame_plans``); a frame then costs the
reading of its values.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.debuginfo.libdw_file import unavailable
from coresnap.analysis.frame_plans import FramePlanner, Plan
from coresnap.analysis.modules import ModuleTable, ReadableModule
from coresnap.analysis.pretty.printers import Printers
from coresnap.analysis.source import SourceReader
from coresnap.analysis.source_paths import SourcePaths
from coresnap.analysis.thread_local import THREAD_POINTERS
from coresnap.analysis.values.frame_context import FrameContext, Machine
from coresnap.analysis.values.limits import Allowance, ValueLimits
from coresnap.analysis.values.module_reader import ProcessFacts
from coresnap.analysis.values.process import CoreProcess
from coresnap.analysis.values.targets import Targets
from coresnap.model import Dropped, Frame, Module, Note, Variable

if TYPE_CHECKING:
    from coresnap.analysis.unwind.unwinder import Stack, StackFrame
    from coresnap.elfcore.corefile import CoreFile

__all__ = ["FrameBuilder"]

_X87_ARCHITECTURES = ("x86-64", "i386")

_INNERMOST, _OUTERMOST = 256, 64
"""Frames of a stack that are read with variables: a recursion repeats itself."""
_ADDRESS_MASK = (1 << 64) - 1
_NEAR = 32
"""Frames searched for a register before the innermost, which knows all of them."""


class FrameBuilder:
    """Frames of one core. Debug files are found, opened and read as frames need them.

    ``debug_files`` stay the caller's; without them the builder has the system's, and
    as a context manager, or with ``close``, releases those. Sources are looked for
    where ``source_paths`` say, else below ``sysroot``.
    """

    def __init__(
        self,
        core: CoreFile,
        *,
        debug_files: DebugFiles | None = None,
        sysroot: Path | None = None,
        source_paths: SourcePaths | None = None,
        limits: ValueLimits | None = None,
        printers: Printers | None = None,
    ) -> None:
        architecture = core.architecture
        self._limits = limits or ValueLimits()
        self._allowance = Allowance.of(self._limits)
        self._targets = Targets(self._allowance, self._limits.nodes_per_target)
        self._printers = printers or Printers()
        self._owns_files = debug_files is None
        self._files = debug_files or DebugFiles()
        self._table = ModuleTable(core, self._files, self._facts)
        self._process = CoreProcess(core.memory, self._table)
        self._architecture = architecture
        source = SourceReader(sysroot, source_paths)
        self._planner = FramePlanner(self._table, source)
        self._unread = 0
        self._machine = Machine(
            pointer_size=architecture.pointer_size,
            byte_order=architecture.byte_order,
            register_names=architecture.register_names,
            read=core.memory.read,
        )

    def _facts(self) -> ProcessFacts:
        return ProcessFacts(
            process=self._process,
            machine=self._machine,
            pointer_size=self._architecture.pointer_size,
            little_endian=self._architecture.byte_order == "little",
            x87=self._architecture.name in _X87_ARCHITECTURES,
            limits=self._limits,
            allowance=self._allowance,
            targets=self._targets,
            presenter=self._printers,
        )

    def __enter__(self) -> FrameBuilder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the debug files, if they are the builder's own."""
        if self._owns_files:
            self._files.close()

    def modules(self) -> tuple[Module, ...]:
        """All modules, by start address, with the debug files found so far."""
        return tuple(self._table.describe())

    def notes(self) -> tuple[Note, ...]:
        """What the reader of the frames must know."""
        notes = [*self._planner.notes.values(), *self._printers.notes()]
        reason = unavailable()
        if reason is not None:
            notes.append(Note("debuginfo", f"no lines, inlines, values: {reason}"))
        return tuple(notes)

    def dropped(self) -> tuple[Dropped, ...]:
        """What the limit of values left out of all frames so far."""
        if not self._allowance.refused:
            return ()
        reason = f"the process has more than {self._limits.nodes} to show"
        return (Dropped("values", self._allowance.refused, reason),)

    def take_unread(self) -> int:
        """How many variables were not read since the last call."""
        unread, self._unread = self._unread, 0
        return unread

    def take_visited(self) -> list[tuple[int, int]]:
        """(address, size) of the memory that values were read from since then."""
        visited, self._process.visited = self._process.visited, []
        return visited

    def frames(self, stack: Stack, *, deep: bool = True) -> tuple[Frame, ...]:
        """The frames of one stack, inlined ones expanded, innermost first.

        ``deep`` follows pointers as far as is fit for the thread that crashed.

        Those in the middle of a long stack have no variables: see ``take_unread``.
        """
        self._follow(deep=deep)
        frames: list[Frame] = []
        contexts = _Contexts(self, stack)
        outer = len(stack.frames) - _OUTERMOST
        for index, frame in enumerate(stack.frames):
            read = index < _INNERMOST or index >= outer
            at = contexts.of(index) if read else None
            first = len(frames)
            self._add_frames(frames, frame, self._planner.at(frame), at)
            if index == stack.gap and stack.left_out:
                frames[first] = msgspec.structs.replace(
                    frames[first], left_out=stack.left_out
                )
        return tuple(frames)

    def _add_frames(
        self,
        frames: list[Frame],
        frame: StackFrame,
        plan: Plan,
        context: FrameContext | None,
    ) -> None:
        pc = frame.pc
        stack_pointer = frame.registers.get(self._architecture.stack_pointer)
        offset = None if plan.start is None else pc - plan.start
        in_module = None if plan.module is None else pc - plan.bias & _ADDRESS_MASK
        for one in plan.activations:
            variables: tuple[Variable, ...] = ()
            if one.variables is not None and context is not None:
                variables = one.variables.read(context)
            elif one.variables is not None:
                self._unread += one.variables.count
            frames.append(
                Frame(
                    pc,
                    frame.trust,
                    one.inline,
                    frame.signal_frame,
                    one.function,
                    one.linkage_name,
                    None if one.inline else offset,
                    one.file,
                    one.line,
                    plan.module,
                    in_module,
                    plan.build_id,
                    stack_pointer,
                    variables,
                    one.excerpt.lines,
                    one.excerpt.start,
                    one.short_name,
                    one.unit.language,
                    one.unit.producer,
                    one.unit.optimized,
                )
            )

    def units(self, stack: Stack) -> Iterator[tuple[ReadableModule, int]]:
        """The units that hold the frames of a stack that was built, innermost first,
        as their modules and the DIEs of their contents."""
        for frame in stack.frames:
            code, module = self._planner.at(frame).code, self._table.at(frame.lookup_pc)
            if code is not None and module is not None:
                yield module, code.unit

    def _follow(self, *, deep: bool) -> None:
        limits = self._limits
        self._allowance.most_levels = (
            limits.pointer_levels if deep else limits.pointer_levels_elsewhere
        )

    def begin_globals(self, nodes: int | None) -> None:
        """Leave ``nodes`` members and elements for all that is read from now on."""
        self._follow(deep=False)
        if nodes is not None:
            self._allowance.total = min(self._allowance.total, nodes)

    def readable_modules(self) -> tuple[ReadableModule, ...]:
        """All modules, by start address."""
        return self._table.modules

    def context(
        self, frame: StackFrame, contexts: _Contexts, index: int
    ) -> FrameContext | None:
        """The frame as expressions see it; None where there is no debug information."""
        code = self._planner.at(frame).code
        if code is None:
            return None
        return FrameContext(
            self._machine,
            code.code,
            frame.registers,
            frame.cfa,
            contexts,
            index,
        )

    def thread_pointer(self, frame: StackFrame) -> int | None:
        """The register that thread-local storage is counted from."""
        name = THREAD_POINTERS.get(self._architecture.name, "")
        number = self._architecture.numbers.get(name)
        return None if number is None else frame.registers.get(number)


class _Contexts:
    """The frames of one stack as expressions see them, made when needed."""

    def __init__(self, builder: FrameBuilder, stack: Stack) -> None:
        self._builder = builder
        self._frames = frames = stack.frames
        self._gap = stack.gap
        self._contexts: dict[int, FrameContext | None] = {}
        self.thread_pointer = builder.thread_pointer(frames[0]) if frames else None

    def at(self, index: int) -> FrameContext | None:
        """The context of a caller; None if there is none, or it was left out."""
        if index >= len(self._frames) or (index == self._gap and index):
            return None
        return self.of(index)

    def of(self, index: int) -> FrameContext | None:
        """The context of one frame; None if there is no debug information."""
        if index not in self._contexts:
            frame = self._frames[index]
            self._contexts[index] = self._builder.context(frame, self, index)
        return self._contexts[index]

    def untouched(self, number: int, index: int) -> int | None:
        """A register in the nearest frame below ``index`` that knows it."""
        innermost = self._gap if index >= self._gap else 0
        nearest = self._frames[max(index - _NEAR, innermost) : index][::-1]
        known = nearest if innermost or not index else (*nearest, self._frames[0])
        for frame in known:
            value = frame.registers.get(number)
            if value is not None:
                return value
        return None
