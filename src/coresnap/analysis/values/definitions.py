"""Finding the definition of a type that a unit only declares."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.functions import qualified_name
from coresnap.analysis.debuginfo.records import Die

__all__ = ["DefinitionIndex"]

_INDEX_BUDGET = 2_000_000
"""DIEs looked at in search of the definitions of declared types."""
_NAMESAKE_LIMIT = 256
"""Types of one name, in different scopes, that are compared."""


class DefinitionIndex:
    """Complete types by name, over all units of a file, read as far as needed."""

    def __init__(self, file: DebugFile) -> None:
        self._file = file
        self._by_name: dict[str, list[int]] = {}
        self._budget = _INDEX_BUDGET
        self._unread: Iterator[tuple[int, int]] | None = None

    def find(self, declaration: Die) -> int:
        """DIE of the type that ``declaration`` declares; 0 if it is not found."""
        wanted = qualified_name(self._file, [declaration])
        name = declaration.name or ""
        checked = 0
        while True:
            candidates = self._by_name.get(name, [])[:_NAMESAKE_LIMIT]
            for handle in candidates[checked:]:
                die = self._file.die(handle)
                if qualified_name(self._file, [die]) == wanted:
                    return handle
            checked = len(candidates)
            if not self._read_more():
                return 0

    def _read_more(self) -> bool:
        if self._unread is None:
            self._unread = iter(self._file.units())
        unit = next(self._unread, None)
        if unit is None or self._budget <= 0:
            return False
        types, visited = self._file.types(unit[0], self._budget)
        self._budget -= visited
        for name, handle, _ in types:
            self._by_name.setdefault(name, []).append(handle)
        return True
