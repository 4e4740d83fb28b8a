"""Types as printers see them: names, arguments, and where members are."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.debuginfo.constants import Attribute, Encoding, Tag
from coresnap.analysis.expression.numbers import ByteOrder
from coresnap.analysis.pretty.names import bare_name
from coresnap.analysis.values.types import (
    ArrayType,
    BaseType,
    CompoundType,
    EnumType,
    Member,
    PointerType,
    Type,
)
from coresnap.errors import InputError

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder

__all__ = ["Slot", "ValueType"]

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

    @functools.cached_property
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

    @functools.cached_property
    def is_signed(self) -> bool:
        """Whether a number of this type may be negative."""
        found = self._found
        if isinstance(found, EnumType):
            return found.signed
        return isinstance(found, BaseType) and found.is_signed

    @functools.cached_property
    def byte_order(self) -> ByteOrder:
        """``little`` or ``big``, as the core's."""
        return "little" if self.decoder.little_endian else "big"

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
