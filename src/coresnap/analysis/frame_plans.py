"""What is the same whenever a program stands at an address: worked out once, kept.

Function, inlined calls, lines, and which variables there are and where. Without debug
information it is what symbols say.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.debuginfo.compile_units import CompileUnit, CompileUnits
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.records import Line
from coresnap.analysis.demangle import display_name, short_name
from coresnap.analysis.modules import ModuleTable, ReadableModule
from coresnap.analysis.source import Excerpt, SourceReader
from coresnap.analysis.values.module_reader import CodePlan, FunctionPlan, ModuleReader
from coresnap.analysis.values.variables import VariablesPlan
from coresnap.errors import InputError
from coresnap.model import Note

if TYPE_CHECKING:
    from coresnap.analysis.unwind.unwinder import StackFrame

__all__ = ["FramePlanner", "Plan", "PlannedActivation"]

_PLANNING_LIMIT = 60.0
"""Seconds of reading debug information in all; hostile input can ask for hours."""


class PlannedActivation(msgspec.Struct, frozen=True, eq=False):
    """One function of a plan, with everything that needs no frame."""

    function: str | None = None
    linkage_name: str | None = None
    inline: bool = False
    file: str | None = None
    line: int | None = None
    excerpt: Excerpt = msgspec.field(default_factory=Excerpt)
    variables: VariablesPlan | None = None
    short_name: str | None = None
    unit: CompileUnit = msgspec.field(default_factory=CompileUnit)


class Plan(msgspec.Struct, frozen=True, eq=False):
    """What is at one address of the code; ``activations`` innermost first."""

    activations: tuple[PlannedActivation, ...] = (PlannedActivation(),)
    code: CodePlan | None = None
    start: int | None = None
    """Where the function starts: what ``function_offset`` counts from."""
    module: str | None = None
    bias: int = 0
    build_id: str | None = None


class FramePlanner:
    """Plans the frames of one core, whose modules are ``table``."""

    def __init__(self, table: ModuleTable, source: SourceReader) -> None:
        self._table = table
        self._source = source
        self._plans: dict[tuple[int, int], Plan] = {}
        self._compile_units: dict[DebugFile, CompileUnits] = {}
        self._seconds = 0.0
        self.notes: dict[str, Note] = {}
        """What the reader of the frames must know, by what it is about."""

    def at(self, frame: StackFrame) -> Plan:
        """What is at the frame's address."""
        key = frame.lookup_pc, frame.pc
        plan = self._plans.get(key)
        if plan is None:
            return_pc = frame.pc if frame.lookup_pc != frame.pc else 0
            plan = self._plans[key] = self._make_plan(frame.lookup_pc, return_pc)
        return plan

    def _make_plan(self, pc: int, return_pc: int) -> Plan:
        module = self._table.at(pc)
        if module is None:
            return Plan()
        started = time.monotonic()
        code = self._code_plan(module, pc, return_pc)
        self._seconds += time.monotonic() - started
        if code is None:
            return self._symbol_plan(module, pc)
        modified = module.modified
        return Plan(
            tuple(self._activation(f, code, modified) for f in code.functions),
            code,
            code.start,
            module.loaded.path,
            module.loaded.load_bias,
            module.loaded.build_id,
        )

    def _code_plan(
        self, module: ReadableModule, pc: int, return_pc: int
    ) -> CodePlan | None:
        if self._seconds > _PLANNING_LIMIT:
            text = (
                f"given up after {_PLANNING_LIMIT} seconds: the rest has symbols only"
            )
            self.notes["time"] = Note("debuginfo", text)
            return None
        try:
            reader: ModuleReader | None = module.reader()
            return None if reader is None else reader.plan(pc, return_pc)
        except InputError as error:
            self.notes[module.loaded.path] = Note("debuginfo", str(error))
            return None

    def _line_at(self, module: ReadableModule, pc: int) -> Line | None:
        if self._seconds > _PLANNING_LIMIT:
            return None
        try:
            reader = module.reader()
            return None if reader is None else reader.line_at(pc)
        except InputError:
            return None  # said when the function was looked for

    def _symbol_plan(self, module: ReadableModule, pc: int) -> Plan:
        symbol = module.symbol(pc)
        activation, start = PlannedActivation(), None
        if symbol is not None:
            name = display_name(symbol.name)
            linkage_name = symbol.name if symbol.name != name else None
            activation = PlannedActivation(
                name, linkage_name, short_name=short_name(name, symbol.name)
            )
            start = symbol.address + module.loaded.load_bias
        line = self._line_at(module, pc)
        if line is not None:
            excerpt = self._source.around(line.file, line.line, module.modified)
            activation = msgspec.structs.replace(
                activation, file=line.file, line=line.line, excerpt=excerpt
            )
        loaded = module.loaded
        return Plan(
            (activation,), None, start, loaded.path, loaded.load_bias, loaded.build_id
        )

    def _activation(
        self, function: FunctionPlan, code: CodePlan, modified: float | None
    ) -> PlannedActivation:
        one = function.activation
        physical = code.functions[-1].activation.handle
        return PlannedActivation(
            one.name,
            one.linkage_name,
            one.inline,
            one.file,
            one.line,
            self._source.around(one.file, one.line, modified),
            function.variables,
            short_name(one.name, one.linkage_name),
            self._units_of(code.code.file).of_function(one.handle, physical),
        )

    def _units_of(self, file: DebugFile) -> CompileUnits:
        units = self._compile_units.get(file)
        if units is None:
            units = self._compile_units[file] = CompileUnits(file)
        return units
