"""Finding the definition of a type that a unit only declares."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.qualified_names import qualified_name
from coresnap.analysis.debuginfo.records import Die
from coresnap.analysis.debuginfo.tables import TypeTable

__all__ = ["DefinitionIndex", "canonical"]

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
            if self._qualified(handle) == wanted:
                return handle
        return 0

    def find_named(self, name: str) -> int:
        """DIE of the complete type with this demangled C++ name; 0: it is not found.

        Debug information writes template arguments in a way of its own, so that types
        are looked for by what stands before them.
        """
        wanted = canonical(name)
        for handle in itertools.islice(
            self._templates(_own_name(name)), _NAMESAKE_LIMIT
        ):
            if canonical(self._qualified(handle)) == wanted:
                return handle
        return 0

    def _qualified(self, handle: int) -> str:
        # In a type unit the definition stands outside its namespace, and refers to a
        # declaration within.
        return qualified_name(self._file, self._file.integrated(handle))

    def _templates(self, name: str) -> Iterator[int]:
        """Types with this name before their template arguments."""
        for table in self._tables:
            yield from table.find_template(name)
        while (unread := self._read_more()) is not None:
            yield from unread.find_template(name)

    def _namesakes(self, name: str) -> Iterator[int]:
        for table in self._tables:
            yield from table.find(name)
        while (unread := self._read_more()) is not None:
            yield from unread.find(name)

    def _read_more(self) -> TypeTable | None:
        if self._unread is None:
            # dwz(1) moves what several files define into one that they share.
            self._unread = iter([*self._file.units(), *self._file.shared_units()])
        unit = next(self._unread, None)
        if unit is None or self._budget <= 0:
            return None
        table = self._file.types(unit[0], self._budget)
        self._budget -= table.visited
        self._tables.append(table)
        return table


def _own_name(name: str) -> str:
    """``Square`` of ``shapes::Square<ns::X, 3>``."""
    depth = start = 0
    for at, letter in enumerate(name):
        if letter in "<(":
            if letter == "<" and depth == 0 and at > start:
                end = name.find("::", _closing(name, at))
                if end < 0:
                    return name[start:at]
            depth += 1
        elif letter in ">)":
            depth = max(depth - 1, 0)
        elif depth == 0 and name.startswith("::", at):
            start = at + 2
    return name[start:]


def _closing(name: str, start: int) -> int:
    """Index of the bracket that closes the one at ``start``."""
    depth = 0
    for at in range(start, len(name)):
        depth += (name[at] == "<") - (name[at] == ">")
        if depth == 0:
            return at
    return len(name)


_INTEGER = r"\b(?:(?:unsigned|signed|long|short|int|char)\b ?)+"
_LITERAL = r"(?:\([\w: ]+\))?(-?\d+)(?:u?l{0,2}\b)"


def canonical(name: str) -> str:
    """A C++ name in a form that the demangler and compilers' debug information share.

    ``Foo<unsigned long, 3ul>`` is GCC's ``Foo<long unsigned int, 3>``.
    """
    name = re.sub(_INTEGER, lambda words: _integer(words[0]), name)
    return re.sub(_LITERAL, r"\1", name).replace(" ", "")


def _integer(words: str) -> str:
    parts = words.split()
    end = " " if words.endswith(" ") else ""
    if "char" in parts:
        return " ".join(sorted(parts, reverse=True)) + end
    kept = [word for word in parts if word not in ("int", "signed")]
    return (" ".join(sorted(kept)) or "int") + end
