"""The split units of one debug file, linked to their skeletons when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from coresnap.analysis.debuginfo.tables import CData

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FindSplit", "Link", "SplitUnit", "SplitUnits"]

_NOWHERE = "/dev/null/split"
"""A path that nothing can be at."""
_MOST = 512
"""Units that are looked for when all of a file are asked for."""
_ROOM = 1 << 18
"""Bytes for the paths of split units."""


class SplitUnit(msgspec.Struct, frozen=True):
    """A skeleton, or a split unit."""

    handle: int
    is_skeleton: bool
    id: int
    name: str | None
    """Of the split file, as recorded."""
    directory: str | None
    """Where the compiler ran."""


Link: TypeAlias = Callable[[str], str | None]
"""Has libdw open a path, and returns why the unit is not there; only once."""
FindSplit: TypeAlias = Callable[[SplitUnit, Link], None]
"""Finds the file of a skeleton, and links it."""


class SplitUnits:
    """Looks for split units with ``find``, each of them once."""

    def __init__(
        self,
        ffi: CData,
        lib: CData,
        elf: CData,
        units: Sequence[SplitUnit],
        find: FindSplit,
    ) -> None:
        """To be made while there is no Dwarf of ``elf``."""
        self._ffi, self._lib, self._elf = ffi, lib, elf
        self._left = {unit.handle: unit for unit in units if unit.is_skeleton}
        self._find = find
        self._unit = ffi.new("uint64_t *")
        self._split = ffi.new("uint64_t *")
        self._strings = ffi.new("struct csdw_strings *")
        # Where there is no .debug_str, names stand in the units.
        lib.csdw_strings_init(self._strings, elf, _ROOM)

    def close(self) -> None:
        """Release the strings; the ELF file has to be closed before."""
        self._lib.csdw_strings_deinit(self._strings)

    def prepare(self, dwarf: CData, handle: int) -> None:
        """Look for the split unit of the skeleton that holds ``handle``."""
        if self._left and self._lib.csdw_skeleton_of(dwarf, handle, self._unit) == 0:
            self._prepare(dwarf, self._left.pop(self._unit[0], None))

    def prepare_all(self, dwarf: CData) -> None:
        """Look for all, up to a limit; the rest are not there."""
        for unit in list(self._left.values())[:_MOST]:
            self._left.pop(unit.handle)
            self._prepare(dwarf, unit)

    def _prepare(self, dwarf: CData, unit: SplitUnit | None) -> None:
        if unit is None:
            return
        tried = False

        def link(path: str) -> str | None:
            nonlocal tried
            tried = True
            return self._link(dwarf, unit, path)

        self._find(unit, link)
        if not tried:
            self._link(dwarf, unit, _NOWHERE)

    def _link(self, dwarf: CData, unit: SplitUnit, path: str) -> str | None:
        error = self._lib.csdw_split_rename(
            self._strings, self._elf, dwarf, unit.handle, path.encode()
        )
        self._lib.csdw_unit_of(dwarf, unit.handle, self._unit, self._split)
        if self._split[0]:
            return None
        if error:
            return "cannot be told to libdw: the unit's name has a form without room"
        return "cannot be linked by libdw: it is damaged"
