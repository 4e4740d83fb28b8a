"""Code objects: what a Python function is called, where it is, what its locals are."""

from __future__ import annotations

import msgspec

from coresnap.analysis.interpreters.cpython.layouts import Layout
from coresnap.analysis.interpreters.cpython.line_tables import line_at
from coresnap.analysis.interpreters.cpython.objects import Objects
from coresnap.analysis.interpreters.cpython.target import Target
from coresnap.errors import InputError

__all__ = ["Code", "CodeReader"]

_TABLE_LIMIT = 1 << 20
_NAMES_LIMIT = 1000
_PATH_LIMIT = 4096
_OPTIMIZED, _VARARGS, _VARKEYWORDS = 1, 4, 8
"""In ``co_flags``."""
_IN_CELL = 0x40 | 0x80
"""CO_FAST_CELL, CO_FAST_FREE in ``co_localspluskinds``."""


class Code(msgspec.Struct, frozen=True):
    """One code object."""

    address: int
    function: str
    file: str
    first_line: int
    arguments: int
    """How many of the names are arguments."""
    names: tuple[str, ...]
    """Locals in their order in the frame: arguments first."""
    in_cells: tuple[bool, ...]
    """Whether the value is in a cell, for each name."""
    lines: bytes
    instructions: int | None
    """Address of the first instruction; None: frames count from 0."""
    has_fast_locals: bool
    """It is a function: its names are in the frame, not in a dict."""
    first_traceable: int
    """Bytes of instructions that only set a frame up."""


class CodeReader:
    """The code objects of one process, each read once."""

    def __init__(self, target: Target, objects: Objects, layout: Layout) -> None:
        self._target = target
        self._objects = objects
        self._layout = layout
        self._known: dict[int, Code] = {}
        self._lines: dict[tuple[int, int], int | None] = {}

    def code(self, address: int) -> Code:
        """The code object at an address; raises ``InputError`` if it is none."""
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = self._read(address)
        return known

    def line(self, code: Code, offset: int) -> int | None:
        """The line of the instruction ``offset`` bytes into the code."""
        key = code.address, offset
        if key not in self._lines:
            self._lines[key] = line_at(
                code.lines, code.first_line, offset, self._layout.version
            )
        return self._lines[key]

    def _read(self, address: int) -> Code:
        target, layout = self._target, self._layout.code
        kind = self._objects.type_of(address)
        if kind.name is not None and kind.name != "code":
            raise InputError(f"the object at {address:#x} is a {kind.name}, not code")
        names, in_cells = self._names(address)
        flags = target.integer(address + layout.flags)
        instructions, first = None, 0
        if layout.instructions is not None and layout.first_traceable is not None:
            instructions = address + layout.instructions
            first = 2 * target.integer(address + layout.first_traceable)
        return Code(
            address,
            self._text(address + layout.name),
            self._text(address + layout.filename),
            target.integer(address + layout.first_line),
            self._arguments(address, flags),
            names,
            in_cells,
            self._objects.whole_data(target.word(address + layout.lines), _TABLE_LIMIT),
            instructions,
            bool(flags & _OPTIMIZED),
            first,
        )

    def _text(self, field: int) -> str:
        return self._objects.text(self._target.word(field), _PATH_LIMIT)

    def _arguments(self, address: int, flags: int) -> int:
        target, layout = self._target, self._layout.code
        return (
            target.integer(address + layout.argument_count)
            + target.integer(address + layout.keyword_only_count)
            + bool(flags & _VARARGS)
            + bool(flags & _VARKEYWORDS)
        )

    def _names(self, address: int) -> tuple[tuple[str, ...], tuple[bool, ...]]:
        target, layout = self._target, self._layout.code
        names: list[str] = []
        in_cells: list[bool] = []
        for position, field in enumerate(layout.names):
            found = target.word(address + field)
            items, _ = self._objects.items(found, "tuple", _NAMES_LIMIT)
            names.extend(self._objects.text(item) for item in items)
            in_cells.extend([position > 0] * len(items))
        if layout.kinds is not None:
            found = target.word(address + layout.kinds)
            kinds = self._objects.data(found, _NAMES_LIMIT)[0]
            in_cells = [bool(kind & _IN_CELL) for kind in kinds]
        return tuple(names), tuple(in_cells)
