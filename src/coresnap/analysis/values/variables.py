"""The variables of one function at one address: planned once, read per frame."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.functions import ScopeVariable
from coresnap.analysis.expression import ExpressionError, Op
from coresnap.analysis.values.decode import ValueDecoder
from coresnap.analysis.values.evaluate import (
    Bytes,
    Missing,
    value_bytes,
    variable_address,
)
from coresnap.analysis.values.frame_context import FrameContext
from coresnap.analysis.values.frame_types import FrameTypes
from coresnap.analysis.values.places import (
    ExpressionPlace,
    NoPlace,
    Place,
    PointerPlace,
    StackPlace,
    place_at,
)
from coresnap.analysis.values.scalars import Read
from coresnap.analysis.values.types import BaseType, EnumType
from coresnap.errors import InputError, MemoryReadError
from coresnap.model import Variable, VariableKind

__all__ = ["PlannedVariable", "VariablePlanner", "VariablesPlan"]

_WINDOW_LIMIT = 32 << 10
"""Bytes of a frame that are read at once."""
_VARIABLE_LIMIT = 1000
_LOST = NoPlace("optimized out: the compiler left nothing of it here")
_ADDRESS_MASK = (1 << 64) - 1


class PlannedVariable(msgspec.Struct, frozen=True, eq=False):
    """One variable, before any frame is looked at."""

    name: str
    kind: VariableKind
    type: int
    place: Place
    size: int | None
    """Bytes to read; None if that depends on the frame."""


class VariablePlanner:
    """Plans the variables of one module."""

    def __init__(
        self, file: DebugFile, decoder: ValueDecoder, types: FrameTypes
    ) -> None:
        self._file = file
        self._decoder = decoder
        self._types = types

    def plan(
        self, variables: tuple[ScopeVariable, ...], pc: int, return_pc: int
    ) -> VariablesPlan:
        """The plan for ``variables`` at link-time address ``pc``.

        ``return_pc`` is where the call in progress returns to; 0: there is none.
        """
        shown = variables[:_VARIABLE_LIMIT]
        planned = [self._planned(one, pc, return_pc) for one in shown]
        return VariablesPlan(self, planned, pc)

    def plan_global(self, handle: int, name: str) -> PlannedVariable:
        """The plan for a variable that belongs to no function, to be called ``name``.

        Its kind is TLS if each thread has its own.
        """
        chain = self._file.integrated(handle)
        type_handle = next((die.type for die in chain if die.type), 0)
        place = place_at(self._file, chain, 0, self._types.bias)
        kind = VariableKind.TLS if _is_thread_local(place) else VariableKind.GLOBAL
        size = self._decoder.readable_size(type_handle)
        return PlannedVariable(name, kind, type_handle, place, size)

    def _planned(
        self, variable: ScopeVariable, pc: int, return_pc: int
    ) -> PlannedVariable:
        chain = self._file.integrated(variable.handle)
        kind = VariableKind.ARGUMENT if variable.is_argument else VariableKind.LOCAL
        name = next((die.name for die in chain if die.name), "")
        type_handle = next((die.type for die in chain if die.type), 0)
        try:
            place: Place = _LOST
            if not variable.optimized_out:
                place = place_at(self._file, chain, pc, self._types.bias, return_pc)
            size = self._decoder.readable_size(type_handle)
        except InputError as error:
            return PlannedVariable(name, kind, 0, NoPlace(str(error)), None)
        return PlannedVariable(name, kind, type_handle, place, size)

    def enter(self, context: FrameContext, pc: int) -> None:
        """Compute what types leave open in this frame from now on."""
        self._decoder.targets.begin_frame()
        self._types.context = context
        self._types.pc = pc

    def reader(self, planned: PlannedVariable) -> Read:
        """The reader of the variable's type."""
        return self._decoder.reader(planned.type)

    def begin(self) -> None:
        """Give the next variable its allowance."""
        self._decoder.allowance.begin(self._decoder.limits)

    def needs_allowance(self, planned: PlannedVariable) -> bool:
        """Whether the type is more than a number."""
        found = self._decoder.graph.peeled(planned.type)
        return not isinstance(found, BaseType | EnumType)

    def read(self, planned: PlannedVariable, context: FrameContext) -> Variable:
        """The variable in this frame, wherever it is."""
        self.begin()
        try:
            return self._read(planned, context)
        except InputError as error:  # damage that shows only when the type is read
            return Variable(planned.name, "?", planned.kind, missing=str(error))

    def _read(self, planned: PlannedVariable, context: FrameContext) -> Variable:
        decoder, place = self._decoder, planned.place
        type_name = decoder.name(planned.type)
        if isinstance(place, PointerPlace):
            return self._synthetic(planned, place, context)
        if planned.size is None:
            address = variable_address(place, context)
            if isinstance(address, int):
                return decoder.read_at(
                    planned.type, planned.name, planned.kind, address
                )
            return _missing(planned, type_name, address.reason)
        found = value_bytes(place, context, planned.size)
        if isinstance(found, Missing):
            return _missing(planned, type_name, found.reason)
        return self._decode(planned, found)

    def _decode(self, planned: PlannedVariable, found: Bytes) -> Variable:
        read = self._decoder.reader(planned.type)
        value = read(planned.name, planned.kind, found.data, 0, found.address)
        if found.other is not None:
            self.begin()
            other = read(planned.name, planned.kind, found.other, 0, None)
            value = _without_lost(value, other)
        if found.location is None:
            return value
        return msgspec.structs.replace(value, location=found.location)

    def _synthetic(
        self, planned: PlannedVariable, place: PointerPlace, context: FrameContext
    ) -> Variable:
        """A pointer that is gone, with what it pointed to if that survived."""
        target = None
        if place.target and place.offset == 0:
            target = self._survivor(place.target, context)
        type_name = self._decoder.name(planned.type)
        reason = "optimized out: only what it points to is known"
        return Variable(
            planned.name, type_name, planned.kind, target=target, missing=reason
        )

    def _survivor(self, handle: int, context: FrameContext) -> Variable | None:
        try:
            chain = self._file.integrated(handle)
        except InputError:
            return None  # GCC 12 writes offset 0 for it into split files
        type_handle = next((die.type for die in chain if die.type), 0)
        size = self._decoder.readable_size(type_handle)
        place = place_at(self._file, chain, self._types.pc, self._types.bias)
        if size is None or isinstance(place, PointerPlace):
            return None
        target = PlannedVariable("*", VariableKind.TARGET, type_handle, place, size)
        return self.read(target, context)


def _is_thread_local(place: Place) -> bool:
    return isinstance(place, ExpressionPlace) and any(
        operation.atom in (Op.FORM_TLS_ADDRESS, Op.GNU_PUSH_TLS_ADDRESS)
        for operation in place.operations
    )


def _missing(planned: PlannedVariable, type_name: str, reason: str) -> Variable:
    return Variable(planned.name, type_name, planned.kind, missing=reason)


def _without_lost(value: Variable, other: Variable) -> Variable:
    """Take out what differs: it depends on pieces that were optimized out."""
    if value.members and len(value.members) == len(other.members):
        members = tuple(map(_without_lost, value.members, other.members))
        if (value.value, value.text) == (other.value, other.text):
            return msgspec.structs.replace(value, members=members)
        # Presented from bits that are not there (docs/pretty.md): only members stay.
        return Variable(value.name, value.type, value.kind, members=members)
    if (value.value, value.text) == (other.value, other.text):
        return value
    reason = "optimized out: a piece of it"
    return Variable(value.name, value.type, value.kind, missing=reason)


_Step = tuple[Read | None, str, VariableKind, int, bool, PlannedVariable]
"""Reader (None: read it by itself), name, kind, offset into the window, whether it
needs an allowance."""


class VariablesPlan:
    """What to read in a frame, and how; most of it in one piece of the stack."""

    def __init__(
        self, planner: VariablePlanner, planned: list[PlannedVariable], pc: int
    ) -> None:
        self._planner = planner
        self._pc = pc
        near = [p for p in planned if self._is_near(p)]
        self._low = min((_offset(p) for p in near), default=0)
        high = max((_offset(p) + (p.size or 0) for p in near), default=0)
        self._size = high - self._low
        if self._size > _WINDOW_LIMIT:
            self._size, near = 0, []
        self._steps = list(self._plan_steps(planned, set(map(id, near))))

    def _is_near(self, planned: PlannedVariable) -> bool:
        return isinstance(planned.place, StackPlace) and planned.size is not None

    def _plan_steps(
        self, planned: list[PlannedVariable], near: set[int]
    ) -> Iterator[_Step]:
        for one in planned:
            read, at, heavy = None, 0, False
            if id(one) in near:
                read = self._planner.reader(one)
                at = _offset(one) - self._low
                heavy = self._planner.needs_allowance(one)
            yield read, one.name, one.kind, at, heavy, one

    @property
    def count(self) -> int:
        """How many variables there are to read."""
        return len(self._steps)

    def read(self, context: FrameContext) -> tuple[Variable, ...]:
        """The variables in this frame, each with a value or the reason for none."""
        if not self._steps:
            return ()
        planner = self._planner
        planner.enter(context, self._pc)
        window, start = self._window(context)
        variables = []
        for read, name, kind, at, heavy, planned in self._steps:
            if read is None or window is None:
                variables.append(planner.read(planned, context))
                continue
            if heavy:
                planner.begin()
            try:
                variables.append(read(name, kind, window, at, start + at))
            except InputError as error:
                variables.append(Variable(name, "?", kind, missing=str(error)))
        return tuple(variables)

    def _window(self, context: FrameContext) -> tuple[bytes | None, int]:
        if not self._size:
            return None, 0
        try:
            start = context.frame_base() + self._low & _ADDRESS_MASK
            return context.read(start, self._size), start
        except (ExpressionError, MemoryReadError):
            return None, 0


def _offset(planned: PlannedVariable) -> int:
    assert isinstance(planned.place, StackPlace)
    return planned.place.offset
