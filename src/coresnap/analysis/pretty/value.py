"""Typed values that are read on demand: what printers see of the dead process."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from coresnap.analysis.debuginfo.constants import Attribute, Encoding, Tag
from coresnap.analysis.pretty.names import bare_name
from coresnap.analysis.values.text import text_decoder
from coresnap.analysis.values.types import (
    ArrayType,
    BaseType,
    CompoundType,
    EnumType,
    Member,
    PointerType,
    Type,
)
from coresnap.errors import InputError, MemoryReadError
from coresnap.model import Variable, VariableKind

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder

__all__ = ["Slot", "Value", "ValueType"]

_DEPTH_LIMIT = 16
"""Members of members that are searched for a name."""
_ARGUMENT_LIMIT = 256
_TEMPLATE_TAGS = (
    Tag.TEMPLATE_TYPE_PARAMETER,
    Tag.TEMPLATE_VALUE_PARAMETER,
    Tag.GNU_TEMPLATE_PARAMETER_PACK,
)


class Slot:
    """A place inside of values of one type: offset in bytes, and what is there."""

    __slots__ = ("bits", "offset", "type")

    def __init__(
        self, offset: int, type: ValueType, bits: tuple[int, int] | None = None
    ) -> None:
        self.offset = offset
        self.type = type
        self.bits = bits
        """Of a bit-field: first bit, counted as ``Member.bit_offset``, and width."""

    def within(self, outer: Slot) -> Slot:
        """This place in a value that is itself at ``outer``."""
        return Slot(outer.offset + self.offset, self.type, self.bits)


class ValueType:
    """A type, without typedefs and qualifiers. Cheap to make; facts are read on use."""

    def __init__(self, decoder: ValueDecoder, handle: int) -> None:
        self._decoder = decoder
        self._found: Type = decoder.graph.peeled(handle)
        self.handle = handle

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValueType) and self._found is other._found

    def __hash__(self) -> int:
        return hash(id(self._found))

    @property
    def decoder(self) -> ValueDecoder:
        """What reads values of the type."""
        return self._decoder

    @functools.cached_property
    def name(self) -> str:
        """The name with scopes and template arguments; as declared if it has none."""
        found = self._found
        if isinstance(found, CompoundType):
            return found.name or ""
        return self._decoder.name(found.handle or self.handle)

    @functools.cached_property
    def bare_name(self) -> str:
        """``name`` without template arguments and versions: ``std::vector``."""
        return bare_name(self.name)

    @property
    def plain(self) -> ValueType:
        """The type under its own name: ``void *`` for what a typedef calls gpointer."""
        return ValueType(self._decoder, self._found.handle)

    @property
    def size(self) -> int:
        """Bytes of a value. Raises ``InputError`` if that is not known."""
        size = self._decoder.graph.size(self.handle)
        if size is None:
            raise InputError(f"the size of {self.name} is not known")
        return size

    @property
    def is_complete(self) -> bool:
        """Whether its definition, and so the size, is known."""
        return self._decoder.graph.size(self.handle) is not None

    @functools.cached_property
    def target(self) -> ValueType | None:
        """What a pointer or reference points to; None if it is neither, or to void."""
        found = self._found
        if isinstance(found, PointerType) and found.target:
            return ValueType(self._decoder, found.target)
        return None

    @functools.cached_property
    def element(self) -> ValueType | None:
        """What an array is made of; None if it is none."""
        found = self._found
        if isinstance(found, ArrayType):
            return ValueType(self._decoder, found.element)
        return None

    @property
    def is_pointer(self) -> bool:
        """Whether it is a pointer or reference."""
        return isinstance(self._found, PointerType)

    @property
    def is_number(self) -> bool:
        """Whether ``Value.number`` is there."""
        if isinstance(self._found, BaseType):
            return self._found.encoding not in (
                Encoding.FLOAT,
                Encoding.COMPLEX_FLOAT,
                Encoding.DECIMAL_FLOAT,
            )
        return isinstance(self._found, PointerType | EnumType)

    @property
    def is_signed(self) -> bool:
        """Whether a number of this type may be negative."""
        found = self._found
        if isinstance(found, EnumType):
            return found.signed
        return isinstance(found, BaseType) and found.is_signed

    @property
    def character_size(self) -> int:
        """Bytes of a character if strings are made of the type, else 0."""
        return self._decoder.character_size(self.handle)

    @functools.cached_property
    def arguments(self) -> tuple[ValueType | int | None, ...]:
        """Template or generic arguments: types, and numbers; None for others. Those
        of a pack follow one by one."""
        return tuple(self._arguments(self._found.handle, 0))

    def _arguments(self, handle: int, depth: int) -> Iterator[ValueType | int | None]:
        file = self._decoder.graph.file
        if handle == 0 or depth > 1:
            return
        for child, tag in file.children(handle, _TEMPLATE_TAGS)[:_ARGUMENT_LIMIT]:
            if tag == Tag.GNU_TEMPLATE_PARAMETER_PACK:
                yield from self._arguments(child, depth + 1)
            elif tag == Tag.TEMPLATE_TYPE_PARAMETER:
                yield ValueType(self._decoder, file.die(child).type)
            else:
                value = file.attribute(child, Attribute.CONST_VALUE)
                yield None if value is None else value.number

    def argument(self, index: int) -> ValueType | None:
        """The template argument at ``index`` if it is a type, else None."""
        found = self.arguments[index : index + 1]
        return found[0] if found and isinstance(found[0], ValueType) else None

    def constant(self, index: int) -> int | None:
        """The template argument at ``index`` if it is a number, else None."""
        found = self.arguments[index : index + 1]
        return found[0] if found and isinstance(found[0], int) else None

    def nested(self, name: str) -> ValueType | None:
        """The struct of this name that is declared inside of the type."""
        file = self._decoder.graph.file
        for child, _ in file.children(self._found.handle, (Tag.STRUCTURE_TYPE,)):
            if file.die(child).name == name:
                return ValueType(self._decoder, child)
        return None

    @functools.cached_property
    def members(self) -> tuple[str, ...]:
        """Names of the type's own members; bases and anonymous ones left out."""
        return tuple(m.name for m in self._members() if m.name and not m.is_base)

    @functools.cached_property
    def bases(self) -> tuple[Slot, ...]:
        """The direct base classes, virtual ones left out."""
        return tuple(
            Slot(m.offset, ValueType(self._decoder, m.type))
            for m in self._members()
            if m.is_base and m.offset is not None
        )

    def _members(self) -> tuple[Member, ...]:
        found = self._found
        return found.members if isinstance(found, CompoundType) else ()

    def slot(self, *path: str) -> Slot | None:
        """Where a member of a member … is; None if there is none of that name.

        Members of base classes, and of anonymous structs and unions, count as the
        type's own.
        """
        offset, found = 0, Slot(0, self)
        for name in path:
            inner = found.type._find(name, _DEPTH_LIMIT)
            if inner is None:
                return None
            offset += inner.offset
            found = inner
        return Slot(offset, found.type, found.bits)

    def _find(self, name: str, depth: int) -> Slot | None:
        members = self._members()
        for member in members:
            if member.name == name and not member.is_base:
                return self._slot_of(member)
        if depth <= 0:
            return None
        for member in members:
            if (member.is_base or not member.name) and member.offset is not None:
                inner = ValueType(self._decoder, member.type)._find(name, depth - 1)
                if inner is not None:
                    return Slot(member.offset + inner.offset, inner.type, inner.bits)
        return None

    def _slot_of(self, member: Member) -> Slot | None:
        type = ValueType(self._decoder, member.type)
        if member.bit_size is not None:
            return Slot(0, type, (member.bit_offset, member.bit_size))
        return None if member.offset is None else Slot(member.offset, type)

    def innermost(self) -> Slot:
        """Where the only thing is that wrappers of one member with size hold."""
        offset, found = 0, self
        for _ in range(_DEPTH_LIMIT):
            sized = [
                m
                for m in found._members()
                if m.offset is not None
                and m.bit_size is None
                and found._decoder.graph.size(m.type)
            ]
            if len(sized) != 1:
                break
            offset += sized[0].offset or 0
            found = ValueType(self._decoder, sized[0].type)
        return Slot(offset, found)

    @functools.cached_property
    def alignment(self) -> int:
        """Bytes that addresses of its objects are multiples of, as the ABI has it."""
        return self._align(_DEPTH_LIMIT)

    def _align(self, depth: int) -> int:
        found, graph = self._found, self._decoder.graph
        if isinstance(found, ArrayType):
            return ValueType(self._decoder, found.element)._align(depth - 1)
        if isinstance(found, CompoundType):
            if depth <= 0:
                return 1
            types = (ValueType(self._decoder, m.type) for m in found.members)
            return max((t._align(depth - 1) for t in types), default=1)
        size = graph.size(self.handle) or 1
        if graph.pointer_size == 4 and self._decoder.x87:
            return min(size & -size, 4)  # System V ABI, i386: members of 8 bytes too
        return min(size & -size, 16)


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
        address = None if self.address is None else self.address + slot.offset
        if slot.bits is not None:
            return Value(slot.type, None, self._bit_field(slot, *slot.bits))
        return Value(slot.type, address, self._bytes(), self._offset + slot.offset)

    def _bit_field(self, slot: Slot, start: int, width: int) -> bytes:
        start += slot.offset * 8
        first, last = start // 8, (start + width - 1) // 8
        at = self._offset
        whole = int.from_bytes(self._bytes()[at + first : at + last + 1], self._order)
        shift = start - first * 8
        if self._order == "big":
            shift = (last - first + 1) * 8 - shift - width
        number = whole >> shift & (1 << width) - 1
        return number.to_bytes(slot.type.size, self._order)

    @property
    def _order(self) -> Literal["little", "big"]:
        return "little" if self.type.decoder.little_endian else "big"

    def integer(self, slot: Slot) -> int:
        """The number at ``slot``."""
        if slot.bits is not None:
            return self[slot].number
        at = self._offset + slot.offset
        chunk = self._bytes()[at : at + slot.type.size]
        if len(chunk) < slot.type.size:
            raise InputError("damaged debug information: a member outside of its type")
        return int.from_bytes(chunk, self._order, signed=slot.type.is_signed)

    @property
    def number(self) -> int:
        """The number of an integer, enumeration or truth value; a pointer's address."""
        at = self._offset
        chunk = self._bytes()[at : at + self.type.size]
        return int.from_bytes(chunk, self._order, signed=self.type.is_signed)

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
        size = self.type.decoder.graph.pointer_size
        return int.from_bytes(
            self.type.decoder.process.read(address, size), self._order
        )

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
