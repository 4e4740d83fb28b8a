"""Typed values that are read on demand: what printers see of the dead process."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.values.text import text_decoder
from coresnap.errors import InputError, MemoryReadError
from coresnap.model import Variable, VariableKind

__all__ = ["Value"]

_OUTSIDE = "damaged debug information: a member outside of its type"


class Value:
    """A value of a type, in memory or in bytes that were read already."""

    __slots__ = ("_data", "_offset", "address", "type")

    def __init__(
        self,
        type: ValueType,
        address: int | None,
        data: bytes | None = None,
        offset: int = 0,
    ) -> None:
        self.type = type
        self.address = address
        """Where it is; None if it is not in memory."""
        self._data = data
        self._offset = offset

    def _bytes(self) -> bytes:
        if self._data is None:
            size = self.type.size
            if size > self.type.decoder.limits.object_size or self.address is None:
                raise InputError(f"too large to be read: {size} bytes")
            self._data = self.type.decoder.process.read(self.address, size)
        return self._data

    def __getitem__(self, place: Slot | str) -> Value:
        """The member at ``place``. Raises ``KeyError`` if there is none of the name."""
        slot = self.type.slot(place) if isinstance(place, str) else place
        if slot is None:
            raise KeyError(place)
        if slot.bits is not None:
            return Value(slot.type, None, self._bit_field(slot, *slot.bits))
        at, data = self._offset + slot.offset, self._data or self._bytes()
        if slot.offset < 0 or at + slot.type.size > len(data):
            raise InputError(_OUTSIDE)
        address = None if self.address is None else self.address + slot.offset
        return Value(slot.type, address, data, at)

    def _bit_field(self, slot: Slot, start: int, width: int) -> bytes:
        start += slot.offset * 8
        first, last = start // 8, (start + width - 1) // 8
        at = self._offset
        order = self.type.byte_order
        whole = int.from_bytes(self._bytes()[at + first : at + last + 1], order)
        shift = start - first * 8
        if order == "big":
            shift = (last - first + 1) * 8 - shift - width
        number = whole >> shift & (1 << width) - 1
        return number.to_bytes(slot.type.size, order)

    def integer(self, slot: Slot) -> int:
        """The number at ``slot``."""
        if slot.bits is not None:
            return self[slot].number
        at, data, type = self._offset + slot.offset, self._data, slot.type
        chunk = (data or self._bytes())[at : at + type.size]
        if len(chunk) < type.size or slot.offset < 0:
            raise InputError(_OUTSIDE)
        return int.from_bytes(chunk, type.byte_order, signed=type.is_signed)

    @property
    def number(self) -> int:
        """The number of an integer, enumeration or truth value; a pointer's address."""
        at, type = self._offset, self.type
        chunk = (self._data or self._bytes())[at : at + type.size]
        return int.from_bytes(chunk, type.byte_order, signed=type.is_signed)

    @property
    def raw(self) -> bytes:
        """The value's bytes."""
        return self._bytes()[self._offset : self._offset + self.type.size]

    def dereference(self) -> Value:
        """What a pointer or reference points to. Raises ``InputError`` for void."""
        target = self.type.target
        if target is None:
            raise InputError(f"{self.type.name} is no pointer to a value")
        return Value(target, self.number)

    def at(self, address: int, type: ValueType) -> Value:
        """The value of a type that is elsewhere in memory."""
        return Value(type, address)

    def elements(
        self, type: ValueType, address: int, count: int, stride: int | None = None
    ) -> Iterator[Value]:
        """Values that stand side by side, no more of them than are shown."""
        width = stride or type.size
        count = min(count, type.decoder.limits.elements + 1)
        data: bytes | None = None
        if 0 < width * count <= type.decoder.limits.object_size:
            try:
                data = type.decoder.process.read(address, width * count)
            except MemoryReadError:
                data = None
        for index in range(count):
            at = index * width
            if data is None:
                yield Value(type, address + at)
            else:
                yield Value(type, address + at, data, at)

    def word(self, address: int) -> int:
        """The pointer that is at ``address``."""
        decoder = self.type.decoder
        data = decoder.process.read(address, decoder.graph.pointer_size)
        return int.from_bytes(data, self.type.byte_order)

    def text(self, address: int, length: int, width: int = 1) -> tuple[str, bool]:
        """``length`` characters of ``width`` bytes, and whether they were cut.

        NULs are part of the text.
        """
        decoder = self.type.decoder
        limit = decoder.limits.text // width
        data = decoder.process.read(address, min(length, limit) * width)
        return self.decoded(data, width), length > limit

    def decoded(self, data: bytes, width: int) -> str:
        """Characters of ``width`` bytes as text, NULs included."""
        little_endian = self.type.decoder.little_endian
        decode = text_decoder(width, little_endian=little_endian)
        pieces, zero = [], bytes(width)
        while data:
            piece = decode(data)
            pieces.append(piece)
            end = _terminator(data, zero)
            if end < 0:
                break
            data = data[end + width :]
            pieces.append("\0")
        return "".join(pieces)

    def string(self, address: int, width: int = 1) -> str | None:
        """The text up to its NUL; None if it is not there."""
        decoder = self.type.decoder
        data = decoder.process.read_string(address, decoder.limits.text, width)
        return None if data is None else self.decoded(data, width)

    def symbol(self, address: int) -> str | None:
        """Name of the function at ``address``, for people."""
        return self.type.decoder.process.symbol(address)

    def show(self, name: str, kind: VariableKind) -> Variable:
        """The value as a variable of a snapshot, within what is left of its budget."""
        decoder, handle, data = self.type.decoder, self.type.handle, self._data
        if data is None:
            return decoder.read_at(handle, name, kind, self.address or 0)
        return decoder.reader(handle)(name, kind, data, self._offset, self.address)


def _terminator(data: bytes, zero: bytes) -> int:
    at = data.find(zero)
    while at >= 0 and at % len(zero):
        at = data.find(zero, at + 1)
    return at
