"""Finding the definition of a type that a unit only declares."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.functions import qualified_name
from coresnap.analysis.debuginfo.records import Die
from coresnap.analysis.debuginfo.tables import TypeTable

__all__ = ["DefinitionIndex"]

_INDEX_BUDGET = 500_000
"""DIEs looked at in search of the definitions of declared types."""
_NAMESAKE_LIMIT = 256
"""Types of one name, in different scopes, that are compared."""


class DefinitionIndex:
    """Complete types by name, over all units of a file, read as far as needed."""

    def __init__(self, file: DebugFile) -> None:
        self._file = file
        self._tables: list[TypeTable] = []
        self._budget = _INDEX_BUDGET
        self._unread: Iterator[tuple[int, int]] | None = None

    def find(self, declaration: Die) -> int:
        """DIE of the type that ``declaration`` declares; 0 if it is not found."""
        wanted = qualified_name(self._file, [declaration])
        candidates = itertools.islice(
            self._namesakes(declaration.name or ""), _NAMESAKE_LIMIT
        )
        for handle in candidates:
            if qualified_name(self._file, [self._file.die(handle)]) == wanted:
                return handle
        return 0

    def _namesakes(self, name: str) -> Iterator[int]:
        for table in self._tables:
            yield from table.find(name)
        while (unread := self._read_more()) is not None:
            yield from unread.find(name)

    def _read_more(self) -> TypeTable | None:
        if self._unread is None:
            self._unread = iter(self._file.units())
        unit = next(self._unread, None)
        if unit is None or self._budget <= 0:
            return None
        table = self._file.types(unit[0], self._budget)
        self._budget -= table.visited
        self._tables.append(table)
        return table
