"""DWARF of one file: a thin typed layer over ``coresnap._libdw``.

A DIE is named by an int, the address of its bytes in libdw's mapping; it is valid as
long as its ``DebugFile`` is open. Addresses of code are link-time addresses. Nothing
here reads a core, and nothing decides what a reader wants to see.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from coresnap.analysis.debuginfo.constants import Attribute
from coresnap.analysis.debuginfo.debug_cache import DebugCache
from coresnap.analysis.debuginfo.libdw_file import (
    LibdwFile,
    open_descriptor,
    unavailable,
)
from coresnap.analysis.debuginfo.records import (
    Die,
    GlobalVariable,
    Line,
    RawOperation,
    Value,
)
from coresnap.analysis.debuginfo.tables import CData, RangeTable, TypeTable
from coresnap.analysis.debuginfo.unpacking import unpacked
from coresnap.errors import InputError

__all__ = ["DebugFile", "open_debug_file"]

_WALK_BUDGET = 20_000_000
"""DIEs looked at in one walk: far above any unit that a compiler writes."""
_FUNCTION_BUDGET = 1_000_000
"""DIEs of one function, or children of one DIE."""
_OPERATION_LIMIT = 4096
_REFERENCE_LIMIT = 16
"""Chains of abstract origins and specifications: two in practice."""


def open_debug_file(
    path: str | os.PathLike[str], cache: DebugCache | None = None
) -> DebugFile:
    """Open ``path`` with libdw; what is compressed in it may come from ``cache``.

    Raises ``AccessError`` if it may not be read, ``InputError`` if it is not there, is
    no ELF file or has no DWARF, or if libdw was not compiled in.
    """
    reason = unavailable()
    if reason is not None:
        raise InputError(reason, remedy="Install libdw's headers and rebuild.")
    return DebugFile(Path(path), unpacked(open_descriptor(path), cache))


class DebugFile(LibdwFile):
    """An open file with DWARF. Close it, or use it as a context manager."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take over ``descriptor``; raises ``InputError``."""
        self._dies: dict[int, Die] = {}
        self._children: dict[int, list[tuple[int, int]]] = {}
        self._alternate: DebugFile | None = None
        super().__init__(path, descriptor)
        self._record = self._ffi.new("struct csdw_die *")
        self._value = self._ffi.new("struct csdw_value *")
        self._line = self._ffi.new("struct csdw_line *")
        self._operations = self._ffi.new("struct csdw_operation[64]")

    def close(self) -> None:
        """Release the file; every handle becomes invalid. May be repeated."""
        super().close()
        if self._alternate is not None:
            self._alternate.close()
            self._alternate = None
        self._dies.clear()
        self._children.clear()

    def use_alternate(self, other: DebugFile) -> None:
        """Read from ``other`` what stands in a shared file (``.gnu_debugaltlink``).

        It is closed with this one.
        """
        # Left alone, libdw would look for one itself and believe any file of that name.
        self._alternate = other
        self._lib.dwarf_setalt(self._dwarf, other._dwarf)

    def __enter__(self) -> DebugFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def die(self, handle: int) -> Die:
        """The DIE; raises ``InputError`` for a handle that libdw does not know."""
        found = self._dies.get(handle)
        if found is None:
            found = self._dies[handle] = self._read(handle)
        return found

    def _read(self, handle: int) -> Die:
        record = self._record
        if self._lib.csdw_die_read(self._dwarf, handle, record) != 0:
            raise InputError(f"{self.path}: damaged debug information entry")
        return Die(
            handle,
            record.tag,
            record.flags,
            self._text(record.name),
            self._text(record.linkage_name),
            record.type,
            record.abstract_origin,
            record.specification,
            record.signature,
            record.containing_type,
            record.byte_size,
            record.bit_size,
            record.bit_offset,
            record.data_bit_offset,
            record.member_location,
            record.low_pc,
            record.encoding,
            record.call_file,
            record.call_line,
            record.language,
        )

    def integrated(self, handle: int) -> list[Die]:
        """The DIE and those it was made from: abstract origins and specifications."""
        chain = [self.die(handle)]
        while len(chain) < _REFERENCE_LIMIT:
            next_handle = chain[-1].abstract_origin or chain[-1].specification
            if not next_handle:
                break
            chain.append(self.die(next_handle))
        return chain

    def children(self, handle: int, tags: Sequence[int] = ()) -> list[tuple[int, int]]:
        """(handle, tag) of the children with one of ``tags``; all without ``tags``."""
        table = self._table()
        error = self._lib.csdw_children(
            self._dwarf,
            handle,
            list(tags),
            len(tags),
            self._allowed(_FUNCTION_BUDGET),
            table,
        )
        rows = self._rows(table)
        return [] if error else [(row[0], row[1]) for row in rows]

    def every_child(self, handle: int) -> list[tuple[int, int]]:
        """(handle, tag) of all children, which are remembered."""
        found = self._children.get(handle)
        if found is None:
            found = self._children[handle] = self.children(handle)
        return found

    def unit_of(self, handle: int) -> tuple[int, int]:
        """The unit DIE around a DIE, and its split unit's (0: none)."""
        if self._splits is not None:
            self._splits.prepare(self._dwarf, handle)
        unit = self._ffi.new("uint64_t *")
        split = self._ffi.new("uint64_t *")
        self._lib.csdw_unit_of(self._dwarf, handle, unit, split)
        return unit[0], split[0]

    def listed_ranges(self) -> RangeTable:
        """Ranges of units as .debug_aranges lists them, which has a unit's offset."""
        table = self._table()
        self._lib.csdw_listed_ranges(self._elf, table)
        return self._ranges(table)

    def listed_unit(self, offset: int) -> int:
        """The unit DIE of the unit at an offset; 0 if there is none."""
        unit = self._ffi.new("uint64_t *")
        self._lib.csdw_listed_unit(self._dwarf, offset, unit)
        return int(unit[0])

    def unlisted_ranges(self, listed: RangeTable) -> RangeTable:
        """Ranges of the units with code of which ``listed`` says nothing."""
        table = self._table()
        self._lib.csdw_unlisted_ranges(self._dwarf, listed.table, table)
        return self._ranges(table)

    def has_units(self) -> bool:
        """Whether there is any debug information in the file."""
        return bool(self._lib.csdw_has_units(self._dwarf))

    def units(self) -> list[tuple[int, int]]:
        """(unit DIE, tag) of all units; of a split unit, the DIE with the contents."""
        if self._splits is not None:
            self._splits.prepare_all(self._dwarf)
        table = self._table()
        self._lib.csdw_units(self._dwarf, table)
        return [(row[0], row[1]) for row in self._rows(table)]

    def shared_units(self) -> list[tuple[int, int]]:
        """The units of the file that is shared, see ``use_alternate``."""
        return [] if self._alternate is None else self._alternate.units()

    def functions(self, unit: int, *, deep: bool) -> RangeTable:
        """Ranges of the functions below a unit; nested functions only if ``deep``."""
        table = self._table()
        self._lib.csdw_functions(
            self._dwarf, unit, int(deep), self._allowed(_WALK_BUDGET), table
        )
        return self._ranges(table)

    def scopes(
        self, function: int, pc: int, return_pc: int
    ) -> list[tuple[int, int, int]]:
        """(handle, tag, row of the enclosing scope or -1) of what stands at ``pc``.

        Scopes that do not hold ``pc`` are left out; of the call sites only those that
        return to ``return_pc`` are there.
        """
        table = self._table()
        self._lib.csdw_scopes(
            self._dwarf, function, pc, return_pc, self._allowed(_FUNCTION_BUDGET), table
        )
        outside = (1 << 64) - 1
        return [(d, t, -1 if s == outside else s) for d, t, s in self._rows(table)]

    def types(self, unit: int, budget: int) -> TypeTable:
        """The complete named types of a unit; at most ``budget`` DIEs are looked at."""
        table = self._table()
        self._lib.csdw_types(self._dwarf, unit, self._allowed(budget), table)
        self._budget -= table.visited
        return TypeTable(self._ffi, self._lib, table)

    def variables(self, unit: int, budget: int) -> tuple[int, list[GlobalVariable]]:
        """The variables of a unit that belong to no function and have a place or a
        value, after how many DIEs were looked at: ``budget`` at most."""
        table = self._table()
        self._lib.csdw_variables(self._dwarf, unit, self._allowed(budget), table)
        visited = table.visited
        return visited, [
            GlobalVariable(die, self._text(self._ffi.cast("char *", name)), address)
            for die, name, address in self._rows(table)
        ]

    def attribute(self, handle: int, name: int) -> Value | None:
        """The value of an attribute; None if the DIE does not have it."""
        value, lib = self._value, self._lib
        if lib.csdw_attribute(self._dwarf, handle, name, value) != 0:
            return None
        kind = value.kind
        if kind == lib.CSDW_ABSENT:
            return None
        if kind == lib.CSDW_NUMBER:
            return Value(number=value.number)
        if kind == lib.CSDW_SIGNED:
            return Value(number=_signed(value.number))
        if kind == lib.CSDW_REFERENCE:
            return Value(reference=value.number)
        if kind in (lib.CSDW_BLOCK, lib.CSDW_STRING, lib.CSDW_EXPRESSION):
            block = bytes(self._ffi.buffer(value.data, value.size))
            return Value(block=block, expression=kind == lib.CSDW_EXPRESSION)
        return Value(expression=kind == lib.CSDW_LIST)

    def location(
        self, handle: int, attribute: int, pc: int
    ) -> tuple[RawOperation, ...] | None:
        """The operations that hold at ``pc``.

        None if the DIE has no such attribute or there is none for ``pc``; an empty
        tuple is a location that says: nowhere. Raises ``InputError`` if damaged.
        """
        count = self._ffi.new("size_t *")
        array = self._operations
        error = self._lib.csdw_location(
            self._dwarf, handle, attribute, pc, len(array), array, count
        )
        if error in (-errno.ENOENT, -errno.ENXIO):
            return None
        if error or count[0] > _OPERATION_LIMIT:
            raise InputError("damaged location description")
        if count[0] > len(array):
            self._operations = self._ffi.new("struct csdw_operation[]", int(count[0]))
            return self.location(handle, attribute, pc)
        return tuple(self._operation(array[i]) for i in range(count[0]))

    def _operation(self, raw: CData) -> RawOperation:
        block = b""
        if raw.block_size:
            block = bytes(self._ffi.buffer(raw.block, raw.block_size))
        return RawOperation(
            raw.atom, raw.number, raw.number2, raw.offset, raw.die, block
        )

    def line_at(self, unit: int, pc: int) -> Line | None:
        """The source line of ``pc``, from its unit's line table."""
        line = self._line
        if self._lib.csdw_line_at(self._dwarf, unit, pc, line) != 0:
            return None
        file = self._text(line.file)
        if file is None:
            return None
        path = _join(self._directory(unit), file)
        return Line(path, line.line or None, line.column, line.discriminator)

    def file_name(self, unit: int, index: int) -> str | None:
        """The path of file number ``index`` of a unit's line table."""
        own, split = self.unit_of(unit)
        name = self._ffi.new("const char **")
        if self._lib.csdw_file(self._dwarf, split or own, index, name) != 0:
            return None
        file = self._text(name[0])
        return None if file is None else _join(self._directory(own), file)

    def _directory(self, unit: int) -> str | None:
        value = self.attribute(unit, Attribute.COMP_DIR)
        if value is None or value.block is None:
            return None
        return value.block.decode("utf-8", "backslashreplace")


def _join(directory: str | None, file: str) -> str:
    # libdw has joined the two already where the unit says its directory, which is
    # relative in Debian's libc (-ffile-prefix-map).
    if directory is None:
        return file
    if file.startswith(f"{directory.rstrip('/')}/"):
        return os.path.normpath(file)
    return os.path.normpath(os.path.join(directory, file))


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word
