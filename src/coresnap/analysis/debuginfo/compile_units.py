"""What a compile unit says of itself: language, compiler, optimisation."""

from __future__ import annotations

import msgspec

from coresnap.analysis.debuginfo.constants import Attribute, Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.language_names import LANGUAGE_NAMES

__all__ = ["CompileUnit", "CompileUnits"]

_PRODUCER_LIMIT = 4096
"""Characters kept; GCC writes every option that it was given."""
_GNU = "GNU "
_GNU_LANGUAGES = {
    name: name for name in ("C++", "C", "Fortran", "Ada", "Go", "D", "Rust", "Modula-2")
} | {"F": "Fortran"}
"""GCC's word, without the standard's digits, to the language."""
_OUTSIDE_UNITS = (Tag.TYPE_UNIT, Tag.PARTIAL_UNIT)


class CompileUnit(msgspec.Struct, frozen=True):
    """The fields of ``Frame`` that are the same for all functions of a unit."""

    language: str | None = None
    producer: str | None = None
    optimized: bool | None = None


class CompileUnits:
    """The units of one debug file, each read once."""

    def __init__(self, file: DebugFile) -> None:
        self._file = file
        self._units: dict[int, CompileUnit] = {}

    def of_function(self, function: int, physical: int) -> CompileUnit:
        """The unit that ``function`` was written in, optimised as ``physical`` was.

        The two differ where link-time optimisation, or dwz, put the code's DIE into
        another unit than its source's. ``physical`` is the DIE of the function that
        has the code.
        """
        code = self._unit(physical)
        own = self._unit(self._file.integrated(function)[-1].handle)
        optimized = code.optimized
        if optimized is None:
            optimized = True if self._is_described_for_tail_calls(physical) else None
        if optimized is None:
            optimized = own.optimized
        language, producer = own.language, own.producer
        return CompileUnit(
            language or code.language, producer or code.producer, optimized
        )

    def _is_described_for_tail_calls(self, physical: int) -> bool:
        # clang says that all calls are described only of functions that it optimises.
        return any(
            self._file.attribute(physical, name) is not None
            for name in (Attribute.CALL_ALL_CALLS, Attribute.GNU_ALL_CALL_SITES)
        )

    def _unit(self, handle: int) -> CompileUnit:
        unit, split = self._file.unit_of(handle)
        contents = split or unit
        found = self._units.get(contents)
        if found is None:
            found = self._units[contents] = self._read(contents)
        return found

    def _read(self, unit: int) -> CompileUnit:
        if not unit:
            return CompileUnit()
        die = self._file.die(unit)
        if die.tag in _OUTSIDE_UNITS:
            return CompileUnit()
        value = self._file.attribute(unit, Attribute.PRODUCER)
        producer = None
        if value is not None and value.block:
            producer = value.block.decode("utf-8", "backslashreplace")
            producer = producer[:_PRODUCER_LIMIT]
        apple = self._file.attribute(unit, Attribute.APPLE_OPTIMIZED)
        optimized = True if apple is not None else _is_optimized(producer)
        return CompileUnit(_language(die.language, producer), producer, optimized)


def _language(number: int, producer: str | None) -> str | None:
    # GCC's producer has the standard that was asked for; DWARF's number may be an
    # older one, of the time when the DWARF version was published.
    return _gnu_language(producer or "") or LANGUAGE_NAMES.get(number)


def _gnu_language(producer: str) -> str | None:
    """``C17`` of ``GNU C17 12.2.0 -O2``; None where it is not GCC's."""
    if not producer.startswith(_GNU):
        return None
    word, _, rest = producer.removeprefix(_GNU).partition(" ")
    name = word if word in _GNU_LANGUAGES else word.rstrip("0123456789")
    if not rest or name not in _GNU_LANGUAGES:
        return None
    return _GNU_LANGUAGES[name] + word.removeprefix(name)


def _is_optimized(producer: str | None) -> bool | None:
    """By the options in the producer; None if it tells none."""
    if producer is None:
        return None
    words = producer.split(" ")
    levels = [word for word in words if word.startswith("-O")]
    if levels:
        return levels[-1] != "-O0"
    # With options, but none to optimise: the compilers' default is not to.
    is_compiled = _gnu_language(producer) or "clang version" in producer
    has_options = any(word.startswith("-") for word in words[1:])
    return False if is_compiled and has_options else None
