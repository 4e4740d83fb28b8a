"""Everything that debug information says about one module, behind one door."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.analysis.debuginfo.constants import Attribute
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.functions import Activation, FunctionAt, FunctionFinder
from coresnap.analysis.debuginfo.records import Line
from coresnap.analysis.values.call_sites import call_site_at, linkage_name
from coresnap.analysis.values.decode import Presenter, Process, ValueDecoder
from coresnap.analysis.values.frame_context import (
    FrameCode,
    Machine,
    ThreadLocalBlock,
)
from coresnap.analysis.values.frame_types import FrameTypes
from coresnap.analysis.values.global_variables import GlobalReader
from coresnap.analysis.values.limits import Allowance, ValueLimits
from coresnap.analysis.values.tail_calls import TailCallFinder
from coresnap.analysis.values.targets import Targets
from coresnap.analysis.values.type_graph import TypeGraph
from coresnap.analysis.values.variables import VariablePlanner, VariablesPlan

__all__ = ["CodePlan", "FunctionPlan", "ModuleReader", "ProcessFacts"]

_ADDRESS_MASK = (1 << 64) - 1


class ProcessFacts(msgspec.Struct, frozen=True, eq=False):
    """What a module's values need to know about the process."""

    process: Process
    machine: Machine
    pointer_size: int
    little_endian: bool
    x87: bool
    """Whether long double is the 80-bit format of the x87."""
    limits: ValueLimits
    allowance: Allowance
    """Shared by all modules, as are ``targets`` and ``presenter``."""
    targets: Targets
    presenter: Presenter


class FunctionPlan(msgspec.Struct, frozen=True, eq=False):
    """One activation at an address: all that does not depend on the frame."""

    activation: Activation
    variables: VariablesPlan


class CodePlan(msgspec.Struct, frozen=True, eq=False):
    """What debug information says about one address of the code."""

    code: FrameCode
    start: int
    """Run-time address of the range of the function that holds the address."""
    functions: tuple[FunctionPlan, ...]
    """Innermost first; all but the last are inlined."""
    unit: int
    """DIE of the unit's contents."""


class ModuleReader:
    """One module: ``bias`` is its load bias, ``thread_local_block`` as in
    ``FrameCode``; ``address_of`` knows its symbols' link-time addresses."""

    def __init__(
        self,
        file: DebugFile,
        bias: int,
        thread_local_block: ThreadLocalBlock,
        facts: ProcessFacts,
        address_of: Callable[[str], int | None],
    ) -> None:
        self.file = file
        self._bias = bias
        self._thread_local_block = thread_local_block
        self._machine = facts.machine
        self._names = facts.process.names
        self._finder = FunctionFinder(file)
        self._tail_calls = TailCallFinder(file, self._finder, address_of)
        graph = TypeGraph(
            file, pointer_size=facts.pointer_size, little_endian=facts.little_endian
        )
        types = FrameTypes(file, graph, bias)
        self.decoder = ValueDecoder(
            graph,
            facts.process,
            types,
            facts.allowance,
            facts.limits,
            x87=facts.x87,
            targets=facts.targets,
            presenter=facts.presenter,
        )
        self._planner = VariablePlanner(file, self.decoder, types)

    def plan(self, pc: int, return_pc: int) -> CodePlan | None:
        """What is at run-time address ``pc``; None if no function is described.

        ``return_pc`` is the return address of the call in progress, 0 if there is
        none. Raises ``InputError`` if the debug information is damaged.
        """
        link_pc = self._link_address(pc)
        link_return = self._link_address(return_pc) if return_pc else 0
        at = self._finder.find(link_pc, link_return)
        if at is None:
            return None
        functions = tuple(
            FunctionPlan(one, self._planner.plan(one.variables, link_pc, link_return))
            for one in at.activations
        )
        unit = self.file.unit_of(at.function)[0]
        start = at.low + self._bias
        return CodePlan(self._code(at, link_pc), start, functions, unit)

    def globals(self, is_inside: Callable[[int], bool]) -> GlobalReader:
        """The module's variables without a function; see ``GlobalReader``."""
        code = FrameCode(
            file=self.file,
            bias=self._bias,
            start=0,
            symbol="",
            frame_base=None,
            call_site=None,
            thread_local_block=self._thread_local_block,
        )
        return GlobalReader(self.file, code, self._planner, self._machine, is_inside)

    def line_at(self, pc: int) -> Line | None:
        """The source line of run-time address ``pc``, if that is all that is known."""
        return self._finder.line_at(self._link_address(pc))

    def _link_address(self, address: int) -> int:
        # A damaged core may say that the module was loaded anywhere.
        return address - self._bias & _ADDRESS_MASK

    def _code(self, at: FunctionAt, link_pc: int) -> FrameCode:
        base = self.file.location(at.function, Attribute.FRAME_BASE, link_pc)
        call_site = call_site_at(self.file, at.call_site) if at.call_site else None
        return FrameCode(
            file=self.file,
            bias=self._bias,
            start=self._entry(at) + self._bias,
            symbol=linkage_name(self.file, at.function),
            frame_base=base,
            call_site=call_site,
            thread_local_block=self._thread_local_block,
            names=self._names,
            tail_caller=self._tail_calls.caller_of,
        )

    def _entry(self, at: FunctionAt) -> int:
        return self.file.die(at.function).low_pc or at.low

    def close(self) -> None:
        """Release the debug file."""
        self.file.close()
