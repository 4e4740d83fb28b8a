"""The variables of one module that belong to no function: found by unit, read alone."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.analysis.debuginfo.constants import Language, Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.qualified_names import qualified_name
from coresnap.analysis.debuginfo.records import GlobalVariable
from coresnap.analysis.values.frame_context import FrameCode, FrameContext, Machine
from coresnap.analysis.values.variables import PlannedVariable, VariablePlanner
from coresnap.errors import InputError
from coresnap.model import Variable

__all__ = ["GlobalReader"]

_VISIT_LIMIT = 2_000_000
"""DIEs looked at in search of a module's variables: a fifth of a second."""


class _NoStack(msgspec.Struct, eq=False):
    """Neighbours of a frame that there is none of: only the thread is known."""

    thread_pointer: int | None

    def at(self, index: int) -> FrameContext | None:
        """No frame."""
        return None

    def untouched(self, number: int, index: int) -> int | None:
        """No register."""
        return None


class GlobalReader(msgspec.Struct, eq=False):
    """Reads the globals of one module. ``code`` has its file, bias and storage."""

    file: DebugFile
    code: FrameCode
    planner: VariablePlanner
    machine: Machine
    is_inside: Callable[[int], bool]
    """Whether a run-time address is the module's: what the linker left out is not."""
    _budget: int = _VISIT_LIMIT
    _variables: dict[int, list[GlobalVariable]] = msgspec.field(default_factory=dict)

    def units(self) -> list[tuple[int, int]]:
        """(DIE, tag) of the units that may have variables."""
        return [(unit, tag) for unit, tag in self.file.units() if tag != Tag.TYPE_UNIT]

    def variables(self, unit: int) -> list[GlobalVariable]:
        """The unit's variables that have a name, in the source's order."""
        found = self._variables.get(unit)
        if found is None:
            visited, rows = self.file.variables(unit, self._budget)
            self._budget -= visited
            found = [one for one in rows if one.name and self._is_kept(one)]
            self._variables[unit] = found
        return found

    @property
    def is_exhausted(self) -> bool:
        """Whether no more units are looked at."""
        return self._budget <= 0

    def _is_kept(self, variable: GlobalVariable) -> bool:
        return not variable.address or self.is_inside(variable.address + self.code.bias)

    def qualified_name(self, unit: int, variable: GlobalVariable) -> str:
        """The name with the namespaces and classes around it."""
        language = self.file.die(unit).language
        if not (Language.is_cplusplus(language) or language == Language.RUST):
            return variable.name or ""
        try:
            chain = self.file.integrated(variable.handle)
            return qualified_name(self.file, chain)
        except InputError:
            return variable.name or ""

    def unit_name(self, unit: int) -> str:
        """The source file of a unit, without its directory."""
        return (self.file.die(unit).name or "?").rpartition("/")[2]

    def plan(self, variable: GlobalVariable, name: str) -> PlannedVariable:
        """What is to be read; of kind TLS if each thread has its own."""
        return self.planner.plan_global(variable.handle, name)

    def read(self, planned: PlannedVariable, thread_pointer: int | None) -> Variable:
        """The variable, of the thread with this pointer where each has its own."""
        neighbours = _NoStack(thread_pointer)
        context = FrameContext(self.machine, self.code, {}, None, neighbours, 0)
        self.planner.enter(context, 0)
        return self.planner.read(planned, context)
