"""Strings: their text, whichever way it is kept."""

from __future__ import annotations

from coresnap.analysis.pretty.cplusplus.layout import first_slot, unpaired
from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
)
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = ["path", "string", "string_view"]

_LENGTH_LIMIT = 1 << 48
"""Characters that no string has: the address space ends before."""


def _present(value: Value, address: int, length: int, width: int) -> Presentation:
    if not 0 <= length < _LENGTH_LIMIT:
        raise CorruptValueError(f"its length would be {length}")
    if length == 0:
        return Presentation("", contents=True)
    text, cut = value.text(address, length, width)
    return Presentation(text, contents=True, truncated=cut)


def string(type: ValueType) -> Present | None:
    """``std::basic_string`` of any character."""
    return _libstdcxx(type) or _copy_on_write(type) or _libcxx(type)


def _libstdcxx(type: ValueType) -> Present | None:
    holder, length = type.slot("_M_dataplus"), type.slot("_M_string_length")
    local = type.slot("_M_local_buf")
    if holder is None or length is None or local is None or local.type.element is None:
        return None
    width = local.type.element.size
    if not 0 < width <= 4:
        return None
    # clang may leave the holder's type declared: it begins with the pointer.
    data = type.slot("_M_dataplus", "_M_p") or Slot(holder.offset, length.type)
    room = local.type.size // width - 1

    def present(value: Value) -> Presentation:
        address, count = value.integer(data), value.integer(length)
        own = None if value.address is None else value.address + local.offset
        if address == own and count > room:
            raise CorruptValueError(f"{count} characters where {room} have room")
        return _present(value, address, count, width)

    return present


def _copy_on_write(type: ValueType) -> Present | None:
    """The string of before GCC 5: length, capacity and count are before the text."""
    data = type.slot("_M_dataplus", "_M_p")
    if data is None or data.type.target is None or type.size != data.type.size:
        return None
    width, word = data.type.target.size, data.type.size

    def present(value: Value) -> Presentation:
        address = value.integer(data)
        length = value.word(address - 3 * word)
        if length > value.word(address - 2 * word):
            raise CorruptValueError(f"{length} characters, more than its capacity")
        return _present(value, address, length, width)

    return present


def _libcxx(type: ValueType) -> Present | None:
    whole = unpaired(type, ("__rep_",), ("__r_",))
    if whole is None:
        return None
    data, length = whole.type.slot("__l", "__data_"), whole.type.slot("__l", "__size_")
    near, size = whole.type.slot("__s", "__data_"), whole.type.slot("__s", "__size_")
    if data is None or length is None or near is None or size is None:
        return None
    if data.type.target is None or near.type.element is None:
        return None
    flag = whole.type.slot("__s", "__is_long_")
    # Until version 14 the lowest bit of the first byte says whether the text is far.
    if flag is None and (near.offset == 0 or not type.decoder.little_endian):
        return None
    width = data.type.target.size
    return _either(whole, (data, length), (near, size), flag, width)


def _either(
    whole: Slot,
    far: tuple[Slot, Slot],
    near: tuple[Slot, Slot],
    flag: Slot | None,
    width: int,
) -> Present:
    data, length = far
    text, size = near
    room = text.type.size // width

    def present(value: Value) -> Presentation:
        rep = value[whole]
        count = rep.integer(size)
        is_long = rep.integer(flag) if flag is not None else count & 1
        if is_long:
            return _present(value, rep.integer(data), rep.integer(length), width)
        count = count if flag is not None else count >> 1
        if count > room:
            raise CorruptValueError(f"{count} characters where {room} have room")
        found = value.decoded(rep[text].raw[: count * width], width)
        return Presentation(found, contents=True)

    return present


def string_view(type: ValueType) -> Present | None:
    """``std::basic_string_view``."""
    data = first_slot(type, ("_M_str",), ("__data_",), ("__data",))
    length = first_slot(type, ("_M_len",), ("__size_",), ("__size",))
    if data is None or length is None or data.type.target is None:
        return None
    width = data.type.target.size

    def present(value: Value) -> Presentation:
        return _present(value, value.integer(data), value.integer(length), width)

    return present


def path(type: ValueType) -> Present | None:
    """``std::filesystem::path``."""
    name = first_slot(type, ("_M_pathname",), ("__pn_",))
    if name is None:
        return None
    return lambda value: Presentation(like=value[name])
