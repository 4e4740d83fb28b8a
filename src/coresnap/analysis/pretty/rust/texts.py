"""Strings, which are vectors of bytes."""

from __future__ import annotations

from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
)
from coresnap.analysis.pretty.rust.layout import element_pointer, number_at
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["string", "text"]

_LENGTH_LIMIT = 1 << 48


def text(value: Value, address: int, length: int) -> Presentation:
    """``length`` bytes of UTF-8 at ``address``."""
    if not 0 <= length < _LENGTH_LIMIT:
        raise CorruptValueError(f"its length would be {length}")
    if length == 0:
        return Presentation("", contents=True)
    found, cut = value.text(address, length)
    return Presentation(found, contents=True, truncated=cut)


def string(type: ValueType) -> Present | None:
    """``String``, ``OsString``, ``PathBuf``: wrappers of one ``Vec<u8>``."""
    bytes_ = type.innermost()
    data, length = element_pointer(bytes_.type), number_at(bytes_.type, ("len",))
    capacity = number_at(bytes_.type, ("buf", "inner", "cap"), ("buf", "cap"))
    element = bytes_.type.argument(0)
    if data is None or length is None or capacity is None or element is None:
        return None
    if element.size != 1:
        return None
    places = data.within(bytes_), length.within(bytes_), capacity.within(bytes_)

    def present(value: Value) -> Presentation:
        address, count, room = (value.integer(place) for place in places)
        if count > room:
            raise CorruptValueError(f"{count} bytes where {room} have room")
        return text(value, address, count)

    return present
