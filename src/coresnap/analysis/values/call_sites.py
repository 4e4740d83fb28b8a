"""What a caller's debug information says about the call that is going on in it."""

from __future__ import annotations

from coresnap.analysis.debuginfo.constants import Attribute, Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.records import RawOperation
from coresnap.analysis.values.frame_context import CallSite
from coresnap.analysis.values.places import register_of

__all__ = ["call_site_at", "linkage_name"]

_PARAMETERS = (Tag.CALL_SITE_PARAMETER, Tag.GNU_CALL_SITE_PARAMETER)
_Expression = tuple[RawOperation, ...]


def call_site_at(file: DebugFile, handle: int) -> CallSite:
    """The call site of this DIE. Raises ``InputError`` if it is damaged."""
    registers: dict[int, _Expression] = {}
    parameters: dict[int, _Expression] = {}
    for child, _ in file.children(handle, _PARAMETERS):
        value = _expression(
            file, child, (Attribute.CALL_VALUE, Attribute.GNU_CALL_SITE_VALUE)
        )
        place = file.location(child, Attribute.LOCATION, 0)
        if value is None:
            continue
        register = register_of(place[0]) if place and len(place) == 1 else None
        if register is not None:
            registers[register] = value
        parameter = _reference(
            file, child, (Attribute.CALL_PARAMETER, Attribute.ABSTRACT_ORIGIN)
        )
        if parameter:
            parameters[parameter] = value
    origin = _reference(
        file, handle, (Attribute.CALL_ORIGIN, Attribute.ABSTRACT_ORIGIN)
    )
    target = _expression(
        file, handle, (Attribute.CALL_TARGET, Attribute.GNU_CALL_SITE_TARGET)
    )
    callee = linkage_name(file, origin) if origin else None
    return CallSite(callee, target, registers, parameters, origin)


def linkage_name(file: DebugFile, handle: int) -> str:
    """What the linker calls a function: its C name if it is not mangled."""
    chain = file.integrated(handle)
    for die in chain:
        if die.linkage_name:
            return die.linkage_name
    return next((die.name for die in chain if die.name), "")


def _expression(
    file: DebugFile, handle: int, names: tuple[int, ...]
) -> _Expression | None:
    for name in names:
        found = file.location(handle, name, 0)
        if found:
            return found
    return None


def _reference(file: DebugFile, handle: int, names: tuple[int, ...]) -> int:
    for name in names:
        value = file.attribute(handle, name)
        if value is not None and value.reference is not None:
            return value.reference
    return 0
