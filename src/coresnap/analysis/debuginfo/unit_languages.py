"""The language that a DIE's unit was written in, partial units included.

dwz(1) moves what several units have into partial ones, which say no language.
"""

from __future__ import annotations

from coresnap.analysis.debuginfo.constants import Language, Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile

__all__ = ["UnitLanguages"]

_ASSEMBLER = 0x8001
_OF_CPLUSPLUS = (Tag.NAMESPACE, Tag.CLASS_TYPE, Tag.REFERENCE_TYPE)


class UnitLanguages:
    """Languages (DW_LANG_*) of the units of one file, and of the one that it shares."""

    def __init__(self, file: DebugFile) -> None:
        self._file = file
        self._known: dict[int, int] = {}
        self._main: int | None = None

    def of(self, handle: int) -> int:
        """The language of the unit around a DIE; 0: not known."""
        unit, split = self._file.unit_of(handle)
        contents = split or unit
        found = self._known.get(contents)
        if found is None:
            found = self._known[contents] = self._language(contents) if contents else 0
        return found

    def _language(self, contents: int) -> int:
        unit = self._file.die(contents)
        if unit.language or unit.tag != Tag.PARTIAL_UNIT:
            return unit.language
        main = self._main_language()
        if main == Language.RUST or Language.is_cplusplus(main):
            return main
        if self._file.children(contents, _OF_CPLUSPLUS):
            return Language.C_PLUS_PLUS
        return main

    def _main_language(self) -> int:
        """That of the file's first unit of a compiled language."""
        if self._main is None:
            languages = (
                self._file.die(unit).language
                for unit, tag in self._file.units()
                if tag == Tag.COMPILE_UNIT
            )
            compiled = (one for one in languages if one not in (0, _ASSEMBLER))
            self._main = next(compiled, 0)
        return self._main
