"""The nouns of type information: what a DWARF type says, without the DWARF.

A ``Type`` names the types it is made of by their DIE handles, so that cycles (a node
that points to nodes) need no special care; ``type_graph.TypeGraph`` turns a handle into
a ``Type``. Handle 0 is ``void``.
"""

from __future__ import annotations

import enum

import msgspec

from coresnap.analysis.debuginfo.constants import Encoding

__all__ = [
    "VOID",
    "ArrayType",
    "BaseType",
    "CompoundType",
    "Dimension",
    "EnumType",
    "FunctionType",
    "Member",
    "MemberPointerType",
    "PointerKind",
    "PointerType",
    "QualifiedType",
    "Type",
    "VariantPart",
    "VoidType",
]


class PointerKind(enum.StrEnum):
    """What stands behind the target's name in a declaration."""

    POINTER = "*"
    REFERENCE = "&"
    RVALUE_REFERENCE = "&&"


class Type(msgspec.Struct, frozen=True, eq=False):
    """What all types have. ``size`` is in bytes; None if not known from the type."""

    handle: int
    name: str | None
    size: int | None


class VoidType(Type, frozen=True, eq=False):
    """No value: ``void``, and types that DWARF does not describe."""


class BaseType(Type, frozen=True, eq=False):
    """A number, character or truth value."""

    encoding: int

    @property
    def is_signed(self) -> bool:
        """Whether the number is in two's complement."""
        return self.encoding in (Encoding.SIGNED, Encoding.SIGNED_CHAR)


class EnumType(Type, frozen=True, eq=False):
    """An enumeration; ``enumerators`` by value."""

    signed: bool
    enumerators: dict[int, str]
    flags: bool
    """Its values are single bits, so that their sums are values too."""
    complete: bool


class PointerType(Type, frozen=True, eq=False):
    """A pointer or reference."""

    kind: PointerKind
    target: int


class MemberPointerType(Type, frozen=True, eq=False):
    """A C++ pointer to member of ``container``."""

    target: int
    container: int


class Dimension(msgspec.Struct, frozen=True):
    """Elements along one axis of an array."""

    count: int | None
    """None: not said (flexible array), or see ``dynamic``."""
    dynamic: int = 0
    """DIE of a subrange whose bound must be computed in the frame (VLA); 0: none."""


class ArrayType(Type, frozen=True, eq=False):
    """An array; ``dimensions`` outermost first, never empty."""

    element: int
    dimensions: tuple[Dimension, ...]


class Member(msgspec.Struct, frozen=True):
    """A member or base class of a compound."""

    name: str
    """Empty for an anonymous struct or union."""
    type: int
    offset: int | None
    """Bytes from the start; None: ``expression`` computes it (virtual base)."""
    is_base: bool = False
    bit_size: int | None = None
    """Width of a bit-field, None for whole members."""
    bit_offset: int = 0
    """Bit-fields: from the compound's start; from the least significant bit on
    little-endian machines, from the most significant on big-endian ones."""
    expression: int = 0
    """DIE whose DW_AT_data_member_location is an expression; 0: none."""


class VariantPart(msgspec.Struct, frozen=True, eq=False):
    """What stands in place of members in an enum of Rust: one of several."""

    discriminant: Member | None
    """The number that tells which one; None if there is only one."""
    numbered: dict[int, Member]
    """By the discriminant, taken as unsigned."""
    default: Member | None
    """Of all other numbers."""


class CompoundType(Type, frozen=True, eq=False):
    """A struct, class or union; ``members`` hold no static ones."""

    keyword: str
    members: tuple[Member, ...]
    complete: bool
    variants: VariantPart | None = None
    """Of an enum of Rust whose variants have fields; ``members`` are then empty."""


class FunctionType(Type, frozen=True, eq=False):
    """A function: something that pointers point to."""

    result: int
    parameters: tuple[int, ...]
    variadic: bool
    prototyped: bool
    const_method: bool
    """A C++ member function whose object is const; ``this`` is no parameter here."""


class QualifiedType(Type, frozen=True, eq=False):
    """A typedef, or a type with const, volatile, restrict or _Atomic."""

    target: int
    qualifier: str
    """Empty for a typedef."""


VOID = VoidType(0, "void", None)
