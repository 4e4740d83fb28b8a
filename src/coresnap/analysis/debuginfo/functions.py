"""From an address to the function around it, with what was inlined there.

A function is found through its compile unit: by .debug_aranges, else (clang writes
none) by the ranges of the unit DIEs. Only units that hold an address are read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec

from coresnap.analysis.debuginfo.constants import Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.qualified_names import function_name
from coresnap.analysis.debuginfo.records import AddressRange, DieFlag, Line
from coresnap.analysis.debuginfo.tables import RangeTable

__all__ = ["Activation", "FunctionAt", "FunctionFinder", "ScopeVariable"]

_HAS_VALUE = DieFlag.LOCATION | DieFlag.CONST_VALUE
_CODE_LIMIT = 20_000
"""Functions of one unit that are compared with a declaration."""
_CALL_SITES = (Tag.CALL_SITE, Tag.GNU_CALL_SITE)
_VARIABLES = (Tag.FORMAL_PARAMETER, Tag.VARIABLE)


class ScopeVariable(msgspec.Struct, frozen=True):
    """A variable in scope: its DIE, and how many scopes of its function are around."""

    handle: int
    depth: int
    is_argument: bool
    optimized_out: bool = False
    """Only the abstract function has it: the compiler left nothing of it here."""


class Activation(msgspec.Struct, frozen=True):
    """One function at an address: the physical one, or one inlined into the next."""

    handle: int
    name: str
    linkage_name: str | None
    inline: bool
    file: str | None
    line: int | None
    variables: tuple[ScopeVariable, ...]
    """Arguments first, then locals by depth."""


class FunctionAt(msgspec.Struct, frozen=True):
    """What the program does at one address."""

    unit: int
    language: int
    function: int
    """DIE of the physical function: it has the frame base."""
    low: int
    """Start of the function's range around the address (a cold part has its own)."""
    activations: tuple[Activation, ...]
    """Innermost first; the last one is the physical function."""
    call_site: int
    """DIE of the call that returns to the given return address; 0: none."""


class FunctionFinder:
    """Functions of one debug file; indexes are made per unit when first needed."""

    def __init__(self, file: DebugFile) -> None:
        self._file = file
        self._functions: dict[tuple[int, bool], RangeTable] = {}
        self._listed: RangeTable | None = None
        self._unlisted: RangeTable | None = None
        self._names: dict[int, tuple[str, str | None]] = {}
        self._codes: dict[int, int] = {}

    def find(self, pc: int, return_pc: int = 0) -> FunctionAt | None:
        """The function at link-time address ``pc``; None if no unit describes it.

        ``return_pc`` is the return address of the call that is going on there.
        """
        for unit in self._candidate_units(pc):
            found = self._range(unit, pc)
            if found is not None:
                return self._describe(unit, found, pc, return_pc)
        return None

    def line_at(self, pc: int) -> Line | None:
        """The source line of ``pc`` where no function is described: in assembly, or
        in a unit whose other half, with the functions, was not found."""
        lines = (self._file.line_at(u, pc) for u in self._candidate_units(pc))
        return next(filter(None, lines), None)

    def code_of(self, function: int) -> int:
        """DIE of the code of a function that is named by this DIE, which may be a
        declaration or abstract; 0 if its unit has none. Raises ``InputError``."""
        found = self._codes.get(function)
        if found is None:
            found = self._codes[function] = self._search_code(function)
        return found

    def code_at(self, entry: int) -> int:
        """DIE of the function that begins at link-time address ``entry``; 0: none."""
        for unit in self._candidate_units(entry):
            found = self._range(unit, entry)
            if found is not None:
                low = self._file.die(found.handle).low_pc or found.low
                return found.handle if low == entry else 0
        return 0

    def _search_code(self, function: int) -> int:
        if self._file.die(function).flags & (DieFlag.LOW_PC | DieFlag.RANGES):
            return function
        unit, split = self._file.unit_of(function)
        for row in itertools.islice(self._table(split or unit, False), _CODE_LIMIT):
            chain = self._file.integrated(row.handle)
            if any(die.handle == function for die in chain):
                return row.handle
        return 0

    def _candidate_units(self, pc: int) -> Iterator[int]:
        if self._listed is None:
            self._listed = self._file.listed_ranges()
        listed = self._listed.find(pc)
        if listed is not None and (unit := self._file.listed_unit(listed.handle)):
            yield unit
        if self._unlisted is None:
            self._unlisted = self._file.unlisted_ranges(self._listed)
        unlisted = self._unlisted.find(pc)
        if unlisted is not None:
            yield unlisted.handle

    def _range(self, unit: int, pc: int) -> AddressRange | None:
        # Nested functions (GNU C) stand inside another function's DIE: looking for
        # them costs a walk over the whole unit, so it is done last.
        return self._table(unit, False).find(pc) or self._table(unit, True).find(pc)

    def _table(self, unit: int, deep: bool) -> RangeTable:
        table = self._functions.get((unit, deep))
        if table is None:
            table = self._file.functions(self._contents(unit), deep=deep)
            self._functions[unit, deep] = table
        return table

    def _contents(self, unit: int) -> int:
        return self._file.unit_of(unit)[1] or unit

    def _describe(
        self, unit: int, found: AddressRange, pc: int, return_pc: int
    ) -> FunctionAt:
        rows = self._file.scopes(found.handle, pc, return_pc)
        walk = _ScopeWalk(self._file, found.handle, rows)
        language = self._file.die(self._contents(unit)).language
        return FunctionAt(
            unit=unit,
            language=language,
            function=found.handle,
            low=found.low,
            activations=self._activations(unit, language, walk, pc),
            call_site=next((h for h, tag, _ in rows if tag in _CALL_SITES), 0),
        )

    def _activations(
        self, unit: int, language: int, walk: _ScopeWalk, pc: int
    ) -> tuple[Activation, ...]:
        place = self._file.line_at(unit, pc)
        file, line = (place.file, place.line) if place else (None, None)
        activations = []
        for handle in reversed(walk.functions):
            name, linkage_name = self._name(handle, language)
            inline = handle != walk.functions[0]
            activations.append(
                Activation(
                    handle=handle,
                    name=name,
                    linkage_name=linkage_name,
                    inline=inline,
                    file=file,
                    line=line,
                    variables=walk.variables(handle),
                )
            )
            call = self._file.die(handle)
            file = self._file.file_name(unit, call.call_file)
            line = call.call_line or None
        return tuple(activations)

    def _name(self, handle: int, language: int) -> tuple[str, str | None]:
        found = self._names.get(handle)
        if found is None:
            found = self._names[handle] = function_name(self._file, handle, language)
        return found


class _Scope(msgspec.Struct, eq=False):
    """A function or block that holds the address."""

    handle: int
    depth: int
    """Blocks around it in its function."""
    variables: list[tuple[int, int]] = msgspec.field(default_factory=list)
    """(DIE, tag) of those that stand in it."""


class _ScopeWalk:
    """The rows of ``DebugFile.scopes``, by function."""

    def __init__(
        self, file: DebugFile, function: int, rows: list[tuple[int, int, int]]
    ) -> None:
        self._file = file
        self.functions = [function]
        """The physical function, then what is inlined, inwards."""
        self._scopes: dict[int, list[_Scope]] = {function: [_Scope(function, 0)]}
        self._by_row = {-1: (function, self._scopes[function][0])}
        for row, (handle, tag, parent) in enumerate(rows):
            self._add(row, handle, tag, *self._by_row[parent])

    def _add(
        self, row: int, handle: int, tag: int, function: int, scope: _Scope
    ) -> None:
        if tag == Tag.INLINED_SUBROUTINE:
            self.functions.append(handle)
            inner = _Scope(handle, 0)
            self._scopes[handle] = [inner]
            self._by_row[row] = (handle, inner)
        elif tag in _VARIABLES:
            scope.variables.append((handle, tag))
        elif tag not in _CALL_SITES:
            inner = _Scope(handle, scope.depth + 1)
            self._scopes[function].append(inner)
            self._by_row[row] = (function, inner)

    def variables(self, function: int) -> tuple[ScopeVariable, ...]:
        """Variables of one function that have a name, in order of display."""
        found = [
            variable
            for scope in self._scopes[function]
            for variable in self._in_scope(scope)
            if self._is_shown(variable.handle)
        ]
        found.sort(key=self._order)
        return tuple(found)

    def _order(self, variable: ScopeVariable) -> tuple[bool, int, int]:
        # The compiler reorders parameters of inlined functions; the abstract
        # function's stand in the source's order.
        declared = self._file.integrated(variable.handle)[-1].handle
        return not variable.is_argument, variable.depth, declared

    def _is_shown(self, handle: int) -> bool:
        chain = self._file.integrated(handle)
        declared = chain[0].flags & DieFlag.DECLARATION
        return not declared and any(die.name for die in chain)

    def _in_scope(self, scope: _Scope) -> Iterator[ScopeVariable]:
        present = set()
        for handle, tag in scope.variables:
            present.add(self._file.die(handle).abstract_origin)
            yield ScopeVariable(handle, scope.depth, tag == Tag.FORMAL_PARAMETER)
        origin = self._file.die(scope.handle).abstract_origin
        if origin:
            yield from self._of_origin(origin, scope.depth, present)
            yield from self._statics(origin, scope)

    def _of_origin(
        self, origin: int, depth: int, present: set[int]
    ) -> Iterator[ScopeVariable]:
        """Variables that only the abstract scope has: static, or optimized out."""
        for handle, tag in self._file.children(origin, _VARIABLES):
            if handle not in present:
                lost = not self._file.die(handle).flags & _HAS_VALUE
                is_argument = tag == Tag.FORMAL_PARAMETER
                yield ScopeVariable(handle, depth, is_argument, optimized_out=lost)

    def _statics(self, origin: int, scope: _Scope) -> Iterator[ScopeVariable]:
        """Static variables of inner blocks that left no code of their own."""
        blocks = self._file.children(origin, (Tag.LEXICAL_BLOCK,))
        if not blocks:
            return
        instances = self._file.children(scope.handle, (Tag.LEXICAL_BLOCK,))
        made = {self._file.die(handle).abstract_origin for handle, _ in instances}
        for block, _ in blocks:
            if block in made:
                continue
            for variable in self._of_origin(block, scope.depth + 1, set()):
                if not variable.optimized_out:
                    yield variable
