"""The types of one debug file, as a graph that is read from DWARF on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from coresnap.analysis.debuginfo.constants import Attribute, Language, Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.qualified_names import qualified_name
from coresnap.analysis.debuginfo.records import Die, DieFlag
from coresnap.analysis.debuginfo.unit_languages import UnitLanguages
from coresnap.analysis.expression.numbers import ByteOrder
from coresnap.analysis.values.definitions import DefinitionIndex
from coresnap.analysis.values.types import (
    VOID,
    ArrayType,
    BaseType,
    CompoundType,
    Dimension,
    FunctionType,
    Member,
    MemberPointerType,
    PointerKind,
    PointerType,
    QualifiedType,
    Type,
    VariantPart,
    VoidType,
)

__all__ = ["TypeGraph"]

_CHAIN_LIMIT = 64
"""Typedefs of typedefs: damaged input may make them endless."""
_MEMBER_LIMIT = 4096

_KEYWORDS = {
    Tag.STRUCTURE_TYPE: "struct",
    Tag.CLASS_TYPE: "class",
    Tag.UNION_TYPE: "union",
    Tag.INTERFACE_TYPE: "class",
}
_QUALIFIERS = {
    Tag.CONST_TYPE: "const",
    Tag.VOLATILE_TYPE: "volatile",
    Tag.RESTRICT_TYPE: "restrict",
    Tag.ATOMIC_TYPE: "_Atomic",
    Tag.IMMUTABLE_TYPE: "const",
    Tag.TYPEDEF: "",
}
_POINTERS = {
    Tag.POINTER_TYPE: PointerKind.POINTER,
    Tag.REFERENCE_TYPE: PointerKind.REFERENCE,
    Tag.RVALUE_REFERENCE_TYPE: PointerKind.RVALUE_REFERENCE,
}


class TypeGraph:
    """The types of one debug file, each read once.

    ``pointer_size`` in bytes and ``little_endian`` are the core's.
    """

    def __init__(
        self, file: DebugFile, *, pointer_size: int, little_endian: bool
    ) -> None:
        self.file = file
        self.pointer_size = pointer_size
        self.little_endian = little_endian
        self.byte_order: ByteOrder = "little" if little_endian else "big"
        self._types: dict[int, Type] = {0: VOID}
        self._languages = UnitLanguages(file)
        self._index = DefinitionIndex(file)
        self._builders: dict[int, Callable[[Die], Type]] = {
            Tag.BASE_TYPE: self._base,
            Tag.ENUMERATION_TYPE: self._enum,
            Tag.ARRAY_TYPE: self._array,
            Tag.SUBROUTINE_TYPE: self._function,
            Tag.SUBPROGRAM: self._function,
            Tag.PTR_TO_MEMBER_TYPE: self._member_pointer,
            **dict.fromkeys(_KEYWORDS, self._compound),
            **dict.fromkeys(_QUALIFIERS, self._qualified),
            **dict.fromkeys(_POINTERS, self._pointer),
        }

    def type(self, handle: int) -> Type:
        """The type of a DIE. Unknown kinds of types are void with a name."""
        found = self._types.get(handle)
        if found is None:
            die = self._definition(self.file.die(handle))
            build = self._builders.get(die.tag, self._unspecified)
            found = self._types[handle] = build(die)
        return found

    def peeled(self, handle: int) -> Type:
        """The type without typedefs and qualifiers."""
        found = self.type(handle)
        for _ in range(_CHAIN_LIMIT):
            if not isinstance(found, QualifiedType):
                return found
            found = self.type(found.target)
        return VOID

    def size(self, handle: int) -> int | None:
        """Bytes of a value; None if it depends on the frame or is not known."""
        found = self.peeled(handle)
        size = 1
        # An array of arrays is one array in DWARF, except through a typedef.
        for _ in range(_CHAIN_LIMIT):
            if found.size is not None:
                return size * found.size
            if not isinstance(found, ArrayType):
                return None
            for dimension in found.dimensions:
                if dimension.count is None:
                    return None
                size *= dimension.count
            found = self.peeled(found.element)
        return None

    def find(self, name: str) -> int:
        """The DIE of a complete C++ class, by its demangled name; 0: not found."""
        return self._index.find_named(name)

    def virtual_methods(self, handle: int) -> Iterator[tuple[int, str]]:
        """(place in the vtable, name) of the virtual methods that a class declares."""
        for child, _ in self.file.children(handle, (Tag.SUBPROGRAM,))[:_MEMBER_LIMIT]:
            place = self.file.location(child, Attribute.VTABLE_ELEM_LOCATION, 0)
            if place and len(place) == 1:
                yield place[0].number, self.file.die(child).name or "?"

    def is_cplusplus(self, handle: int) -> bool:
        """Whether the type's unit writes ``node`` for C's ``struct node``."""
        language = self._languages.of(handle)
        return Language.is_cplusplus(language) or language == Language.RUST

    def is_rust(self, handle: int) -> bool:
        """Whether the type's unit is written in Rust."""
        return self._languages.of(handle) == Language.RUST

    def _definition(self, die: Die) -> Die:
        if die.signature:
            return self.file.die(die.signature)
        if die.flags & DieFlag.DECLARATION and die.name:
            handle = self._index.find(die)
            if handle:
                return self.file.die(handle)
        return die

    def _name(self, die: Die) -> str | None:
        if die.name is None:
            return None
        if not self.is_cplusplus(die.handle):
            return die.name
        return qualified_name(self.file, self.file.integrated(die.handle))

    def _base(self, die: Die) -> Type:
        size = die.byte_size
        if not die.flags & DieFlag.BYTE_SIZE:
            size = (die.bit_size + 7) // 8
        return BaseType(die.handle, die.name, size, die.encoding)

    def _unspecified(self, die: Die) -> Type:
        if die.name == "decltype(nullptr)":
            kind = PointerKind.POINTER
            return PointerType(die.handle, die.name, self.pointer_size, kind, 0)
        return VoidType(die.handle, die.name or "void", None)

    def _enum(self, die: Die) -> Type:
        from coresnap.analysis.values.enumerations import read_enumeration

        return read_enumeration(self, die, self._name(die))

    def _pointer(self, die: Die) -> Type:
        size = die.byte_size if die.flags & DieFlag.BYTE_SIZE else self.pointer_size
        kind = _POINTERS[die.tag]
        return PointerType(die.handle, die.name, size, kind, die.type)

    def _member_pointer(self, die: Die) -> Type:
        is_function = isinstance(self.peeled(die.type), FunctionType)
        # Itanium C++ ABI 2.3: a data offset, or a pointer and an adjustment.
        size = self.pointer_size * (2 if is_function else 1)
        return MemberPointerType(
            die.handle, die.name, size, die.type, die.containing_type
        )

    def _array(self, die: Die) -> Type:
        dimensions = [
            self._dimension(handle)
            for handle, _ in self.file.children(
                die.handle, (Tag.SUBRANGE_TYPE, Tag.ENUMERATION_TYPE)
            )[:_CHAIN_LIMIT]
        ]
        size = die.byte_size if die.flags & DieFlag.BYTE_SIZE else None
        return ArrayType(
            die.handle,
            die.name,
            size,
            element=die.type,
            dimensions=tuple(dimensions) or (Dimension(None),),
        )

    def _dimension(self, handle: int) -> Dimension:
        lower = self.file.attribute(handle, Attribute.LOWER_BOUND)
        first = lower.number if lower is not None and lower.number is not None else 0
        for name, extra in ((Attribute.COUNT, 0), (Attribute.UPPER_BOUND, 1 - first)):
            value = self.file.attribute(handle, name)
            if value is None:
                continue
            if value.number is None:
                return Dimension(None, dynamic=handle)
            # An upper bound of -1, in any width, is an array without elements.
            count = value.number + extra
            return Dimension(count if 0 <= count < 1 << 32 else 0)
        return Dimension(None)

    def _function(self, die: Die) -> Type:
        tags = (Tag.FORMAL_PARAMETER, Tag.UNSPECIFIED_PARAMETERS)
        children = self.file.children(die.handle, tags)[:_CHAIN_LIMIT]
        dies = [self.file.die(h) for h, t in children if t == Tag.FORMAL_PARAMETER]
        this = [one for one in dies if one.flags & DieFlag.ARTIFICIAL]
        return FunctionType(
            die.handle,
            die.name,
            None,
            result=die.type,
            parameters=tuple(one.type for one in dies if one not in this),
            variadic=any(tag == Tag.UNSPECIFIED_PARAMETERS for _, tag in children),
            prototyped=bool(die.flags & DieFlag.PROTOTYPED)
            or self.is_cplusplus(die.handle),
            const_method=bool(this) and self._points_to_const(this[0].type),
        )

    def _points_to_const(self, handle: int) -> bool:
        pointer = self.peeled(handle)
        if not isinstance(pointer, PointerType):
            return False
        target = self.type(pointer.target)
        return isinstance(target, QualifiedType) and target.qualifier == "const"

    def _qualified(self, die: Die) -> Type:
        name = self._name(die) if die.tag == Tag.TYPEDEF else None
        qualifier = _QUALIFIERS[die.tag]
        return QualifiedType(die.handle, name, None, die.type, qualifier)

    def _compound(self, die: Die) -> Type:
        return CompoundType(
            die.handle,
            self._name(die),
            die.byte_size if die.flags & DieFlag.BYTE_SIZE else None,
            keyword=_KEYWORDS[die.tag],
            members=tuple(self._members(die.handle)),
            complete=not die.flags & DieFlag.DECLARATION,
            variants=self._variants(die.handle),
        )

    def _variants(self, handle: int) -> VariantPart | None:
        """Rust's enums have one variant part, of variants of one member each."""
        parts = self.file.children(handle, (Tag.VARIANT_PART,))
        if len(parts) != 1:
            return None
        from coresnap.analysis.values.variants import read_variants

        return read_variants(self, parts[0][0], self._plain_member)

    def _plain_member(self, handle: int) -> Member:
        return self._member(self.file.die(handle), is_base=False)

    def _members(self, handle: int) -> Iterator[Member]:
        children = self.file.children(handle, (Tag.MEMBER, Tag.INHERITANCE))
        for child, tag in children[:_MEMBER_LIMIT]:
            die = self.file.die(child)
            # DWARF up to 4 has static members as declared members.
            if not die.flags & (DieFlag.EXTERNAL | DieFlag.DECLARATION):
                yield self._member(die, is_base=tag == Tag.INHERITANCE)

    def _member(self, die: Die, *, is_base: bool) -> Member:
        if die.flags & DieFlag.MEMBER_LOCATION_EXPRESSION:
            return Member("", die.type, None, is_base, expression=die.handle)
        bit_size = die.bit_size if die.flags & DieFlag.BIT_SIZE else None
        return Member(
            die.name or "",
            die.type,
            die.member_location,
            is_base,
            bit_size=bit_size,
            bit_offset=self._bit_offset(die) if bit_size is not None else 0,
        )

    def _bit_offset(self, die: Die) -> int:
        if die.flags & DieFlag.DATA_BIT_OFFSET:
            return die.member_location * 8 + die.data_bit_offset
        start = die.member_location * 8
        if not die.flags & DieFlag.BIT_OFFSET or not self.little_endian:
            return start + die.bit_offset
        storage = die.byte_size
        if not die.flags & DieFlag.BYTE_SIZE:
            storage = self.size(die.type) or 4
        return start + storage * 8 - die.bit_offset - die.bit_size
