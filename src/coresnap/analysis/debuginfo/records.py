"""What is read from DWARF in one piece: entries, lines, operations, values."""

from __future__ import annotations

import msgspec

__all__ = [
    "AddressRange",
    "Die",
    "DieFlag",
    "GlobalVariable",
    "Line",
    "RawOperation",
    "Value",
]


class DieFlag:
    """Bits of ``Die.flags``; the same numbers as in ``native/libdw.cdef.h``."""

    HAS_CHILDREN = 1
    DECLARATION = 2
    EXTERNAL = 4
    ARTIFICIAL = 8
    LOCATION = 16
    CONST_VALUE = 32
    BYTE_SIZE = 64
    BIT_SIZE = 128
    BIT_OFFSET = 256
    DATA_BIT_OFFSET = 512
    MEMBER_LOCATION = 1024
    MEMBER_LOCATION_EXPRESSION = 2048
    LOW_PC = 4096
    RANGES = 8192
    FRAME_BASE = 16384
    PROTOTYPED = 32768
    ENUM_CLASS = 65536
    BYTE_SIZE_EXPRESSION = 131072
    VECTOR = 262144
    NORETURN = 524288


class AddressRange(msgspec.Struct, frozen=True):
    """Link-time addresses that one DIE covers; ``high`` is the first beyond."""

    low: int
    high: int
    handle: int


class GlobalVariable(msgspec.Struct, frozen=True):
    """A variable that belongs to no function."""

    handle: int
    name: str | None
    """Without the namespaces around it."""
    address: int
    """Link-time address; 0: it has none, or not a fixed one."""


class Die(msgspec.Struct, frozen=True, eq=False):
    """The common attributes of one DIE. References are DIE handles, 0 when absent."""

    handle: int
    tag: int
    flags: int
    name: str | None
    linkage_name: str | None
    type: int
    abstract_origin: int
    specification: int
    signature: int
    """The complete type, in a type unit."""
    containing_type: int
    byte_size: int
    bit_size: int
    bit_offset: int
    data_bit_offset: int
    member_location: int
    low_pc: int
    encoding: int
    call_file: int
    call_line: int
    language: int


class Line(msgspec.Struct, frozen=True):
    """A place in the source; ``line`` is None for code that belongs to no line."""

    file: str
    line: int | None
    column: int
    discriminator: int


class RawOperation(msgspec.Struct, frozen=True):
    """A DWARF operation as libdw decodes it: operands by value, data apart."""

    atom: int
    number: int
    number2: int
    offset: int
    """Byte offset in its expression: what branches count from."""
    die: int
    """The DIE that it refers to, else 0."""
    block: bytes
    """Implicit value, nested expression or typed constant."""


class Value(msgspec.Struct, frozen=True):
    """An attribute's value: exactly one of the fields, or none if of another class."""

    number: int | None = None
    reference: int | None = None
    block: bytes | None = None
    expression: bool = False
    """It is an expression or a location list: ask ``DebugFile.location``."""
