"""Of which type a trait object of Rust is: rustc describes each vtable as a variable.

The variable ``<T as Trait>::{vtable}`` is at the vtable's address, and its type names T
(DW_AT_containing_type), whatever symbols are left.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.records import GlobalVariable

__all__ = ["RustVtables"]

_SUFFIX = "::{vtable}"
_VISIT_LIMIT = 500_000
"""DIEs looked at in search of the vtables of one file."""


class RustVtables:
    """The vtables of one debug file by link-time address, read as far as needed."""

    def __init__(self, file: DebugFile) -> None:
        self._file = file
        self._budget = _VISIT_LIMIT
        self._unread: Iterator[tuple[int, int]] | None = None
        self._known: dict[int, int] = {}

    def implementor(self, address: int) -> int:
        """DIE of the type whose vtable is at ``address``; 0: it is not known. Raises
        ``InputError`` if the debug information is damaged."""
        while address not in self._known and self._read_more():
            pass
        variable = self._known.get(address)
        if not variable:
            return 0
        return self._file.die(self._file.die(variable).type).containing_type

    def _read_more(self) -> bool:
        if self._unread is None:
            self._unread = iter(self._file.units())
        unit = next(self._unread, None)
        if unit is None or self._budget <= 0:
            return False
        visited, rows = self._file.variables(unit[0], self._budget)
        self._budget -= visited
        self._known.update((r.address, r.handle) for r in rows if _is_vtable(r))
        return True


def _is_vtable(variable: GlobalVariable) -> bool:
    return variable.address != 0 and (variable.name or "").endswith(_SUFFIX)
