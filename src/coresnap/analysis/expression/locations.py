"""What an expression says about where an object is, and whom it asks meanwhile."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from coresnap.analysis.expression.numbers import ByteOrder
from coresnap.analysis.expression.operations import AnyOperation, Operations
from coresnap.errors import InputError

__all__ = [
    "BaseType",
    "EmptyLocation",
    "ExpressionContext",
    "ExpressionError",
    "ImplicitLocation",
    "ImplicitPointerLocation",
    "Location",
    "MemoryLocation",
    "Piece",
    "PieceLocation",
    "RegisterLocation",
    "ValueLocation",
]


class ExpressionError(InputError):
    """The expression cannot be evaluated; the message is a reason for the reader."""


class MemoryLocation(msgspec.Struct, frozen=True):
    """The object is in memory."""

    address: int


class RegisterLocation(msgspec.Struct, frozen=True):
    """The object is in a register, its least significant byte first."""

    number: int
    """DWARF register number."""


class ValueLocation(msgspec.Struct, frozen=True):
    """The object is nowhere, but this is its value."""

    value: int
    """The bits as an unsigned integer; those of a float are its IEEE encoding."""
    size: int | None = None
    """Bytes of ``value``; None: as wide as an address."""


class ImplicitLocation(msgspec.Struct, frozen=True):
    """The object is nowhere, but these are its bytes."""

    data: bytes


class ImplicitPointerLocation(msgspec.Struct, frozen=True):
    """A pointer that was optimised away, to an object that may still have a value."""

    die: int
    """Handle of the object's DIE as libdw's layer gave it; 0 if not resolved."""
    reference: int
    """Offset of that DIE in its section."""
    offset: int
    """Bytes from the object's start."""


class EmptyLocation(msgspec.Struct, frozen=True):
    """The object is optimised out."""


class Piece(msgspec.Struct, frozen=True):
    """A part of an object."""

    location: Location | None
    """None: this part is optimised out."""
    bit_size: int
    bit_offset: int
    """Bits to skip in the location, from the least significant end of a register or
    value, from the first bit in memory."""


class PieceLocation(msgspec.Struct, frozen=True):
    """The object is split; the first piece is at its lowest address."""

    pieces: tuple[Piece, ...]


Location: TypeAlias = (
    MemoryLocation
    | RegisterLocation
    | ValueLocation
    | ImplicitLocation
    | ImplicitPointerLocation
    | EmptyLocation
    | PieceLocation
)


class BaseType(msgspec.Struct, frozen=True):
    """A DW_TAG_base_type as far as arithmetic needs it."""

    byte_size: int
    encoding: int
    """DW_ATE_*: 2 boolean, 4 float, 5 signed, 6 signed char, 7 unsigned, 8 unsigned
    char, 16 UTF; 0 is DWARF's generic type (an address without a sign)."""


class ExpressionContext:
    """What an expression may ask for. Subclasses answer what they know.

    Each method raises ``ExpressionError`` with a reason when it does not know;
    ``read`` may raise ``MemoryReadError``, which ``evaluate`` turns into a reason.
    """

    pointer_size: int = 8
    byte_order: ByteOrder = "little"

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes of the process's memory."""
        raise ExpressionError("needs memory, which is not at hand here")

    def register(self, number: int) -> int | None:
        """Unsigned value of a DWARF register in this frame; None if it is lost."""
        raise ExpressionError("needs a register, and there is no frame here")

    def relocate(self, address: int) -> int:
        """The process's address for a link-time ``address``: plus the load bias."""
        return address

    def frame_base(self) -> int:
        """Value of the function's DW_AT_frame_base."""
        raise ExpressionError("needs a frame base, and there is none here")

    def cfa(self) -> int:
        """Canonical frame address of this frame."""
        raise ExpressionError("needs the CFA, and there is none here")

    def tls_address(self, offset: int) -> int:
        """Address of this module's thread-local storage at ``offset``."""
        raise ExpressionError("thread-local storage cannot be found here")

    def entry_value(self, operations: Operations) -> int | None:
        """What ``operations`` gave on entry to the function; None if not known."""
        raise ExpressionError("the caller does not say what it passed")

    def parameter_value(self, operation: AnyOperation) -> int | None:
        """What the parameter of ``operation.die`` had on entry; None if not known."""
        raise ExpressionError("the caller does not say what it passed")

    def object_address(self) -> int:
        """Address of the object whose part is looked for."""
        raise ExpressionError("needs the address of the enclosing object")

    def base_type(self, operation: AnyOperation, reference: int) -> BaseType:
        """The type of ``operation.die``, or at ``reference`` in its unit."""
        raise ExpressionError("needs a type, and there is no debug information here")

    def procedure(self, operation: AnyOperation) -> Operations:
        """Location expression of the DIE that a call operation names."""
        raise ExpressionError("calls another expression, and there is none here")

    def variable_value(self, operation: AnyOperation) -> int:
        """Value of the variable of ``operation.die`` (DW_OP_GNU_variable_value)."""
        raise ExpressionError("needs the value of another variable")

    def indexed(self, operation: AnyOperation) -> int:
        """Entry of .debug_addr that ``addrx`` or ``constx`` names, not relocated."""
        raise ExpressionError("needs .debug_addr, and there is none here")
