"""From a place to bytes, in one frame: memory, registers, constants, or pieces."""

from __future__ import annotations

import msgspec

from coresnap.analysis.expression import (
    EmptyLocation,
    ExpressionError,
    ImplicitLocation,
    Location,
    MemoryLocation,
    PieceLocation,
    RegisterLocation,
    ValueLocation,
    evaluate,
)
from coresnap.analysis.expression.numbers import ByteOrder
from coresnap.analysis.values.frame_context import ADDRESS_MASK, FrameContext
from coresnap.analysis.values.places import (
    ConstantPlace,
    ExpressionPlace,
    NoPlace,
    Place,
    RegisterPlace,
    StackPlace,
    StaticPlace,
)
from coresnap.errors import MemoryReadError

__all__ = ["Bytes", "Missing", "value_bytes", "variable_address"]

_PIECE_LIMIT = 1 << 20
"""Bits of one piece."""


class Bytes(msgspec.Struct, frozen=True):
    """A value's bytes; ``address`` if they are in memory, else ``location``."""

    data: bytes
    address: int | None = None
    location: str | None = None
    other: bytes | None = None
    """``data`` with other bits where the value is lost; None if nothing is."""


class Missing(msgspec.Struct, frozen=True):
    """No value, and why."""

    reason: str


def value_bytes(place: Place, context: FrameContext, size: int) -> Bytes | Missing:
    """The ``size`` bytes of a variable, or why they are not there."""
    try:
        context._survives = _survives(place)
        return _value_bytes(place, context, size)
    except ExpressionError as error:
        return Missing(f"optimized out: {error}")
    except MemoryReadError as error:
        return Missing(f"not in the core: {error.address:#x}")


def _value_bytes(place: Place, context: FrameContext, size: int) -> Bytes | Missing:
    if isinstance(place, NoPlace):
        return Missing(place.reason)
    if isinstance(place, ConstantPlace):
        return Bytes(_constant(place.value, size, context.byte_order), None, "constant")
    found = _locate(place, context)
    if isinstance(found, MemoryLocation):
        return Bytes(context.read(found.address, size), found.address)
    if isinstance(found, PieceLocation):
        return _pieces(found, context, size)
    if isinstance(found, EmptyLocation):
        return Missing("optimized out: no location at this pc")
    return _computed(found, context, size)


def _locate(place: Place, context: FrameContext) -> Location:
    if isinstance(place, StackPlace):
        return MemoryLocation(context.frame_base() + place.offset & ADDRESS_MASK)
    if isinstance(place, StaticPlace):
        return MemoryLocation(place.address)
    if isinstance(place, RegisterPlace):
        return RegisterLocation(place.number)
    assert isinstance(place, ExpressionPlace)
    return evaluate(place.operations, context)


def _survives(place: Place) -> bool:
    return isinstance(place, RegisterPlace | ExpressionPlace) and place.survives


def variable_address(place: Place, context: FrameContext) -> int | Missing:
    """The address of a variable whose size is not known before it is read."""
    if isinstance(place, NoPlace):
        return Missing(place.reason)
    if isinstance(place, ConstantPlace):
        return Missing("not in memory")
    try:
        found = _locate(place, context)
    except ExpressionError as error:
        return Missing(f"optimized out: {error}")
    except MemoryReadError as error:
        return Missing(f"not in the core: {error.address:#x}")
    if isinstance(found, MemoryLocation):
        return found.address
    return Missing("optimized out: not in memory at this pc")


def _constant(value: int | bytes, size: int, order: ByteOrder) -> bytes:
    if isinstance(value, bytes):
        return value[:size].ljust(size, b"\0")
    return (value & (1 << 8 * size) - 1).to_bytes(size, order)


def _computed(found: Location, context: FrameContext, size: int) -> Bytes | Missing:
    if isinstance(found, RegisterLocation):
        value = context.register(found.number)
        if value is None:
            return Missing(f"optimized out: {context.lost_register(found.number)}")
        names = context.machine.register_names
        name = names.get(found.number, f"register {found.number}")
        if size > _register_size(value, context):
            return Missing(f"not known: {size} bytes do not fit in {name}")
        return Bytes(_constant(value, size, context.byte_order), None, name)
    if isinstance(found, ValueLocation):
        return Bytes(_constant(found.value, size, context.byte_order), None, "computed")
    if isinstance(found, ImplicitLocation):
        data = found.data[:size].ljust(size, b"\0")
        return Bytes(data, None, "implicit")
    return Missing("optimized out: no location at this pc")


def _register_size(value: int, context: FrameContext) -> int:
    # The core's registers are plain numbers: what is wider than an address came from
    # a vector register, and so may be what is not.
    return max(16, context.pointer_size, (value.bit_length() + 7) // 8)


def _pieces(found: PieceLocation, context: FrameContext, size: int) -> Bytes | Missing:
    """Put a value together from pieces, bit by bit in the target's order."""
    bits = lost = position = 0
    total = size * 8
    for piece in found.pieces:
        bit_size = piece.bit_size
        width = min(bit_size, total - position)
        if width <= 0 or bit_size > _PIECE_LIMIT:
            break
        number = _piece(piece.location, context, bit_size, piece.bit_offset)
        shift = position if context.byte_order == "little" else total - position - width
        mask = (1 << width) - 1
        if number is None:
            lost |= mask << shift
        else:
            bits |= (number & mask) << shift
        position += width
    if lost == (1 << total) - 1 or position == 0:
        return Missing("optimized out: all pieces of it")
    data = bits.to_bytes(size, context.byte_order)
    other = (bits | lost).to_bytes(size, context.byte_order) if lost else None
    return Bytes(data, None, "pieces", other)


def _piece(
    location: Location | None, context: FrameContext, bit_size: int, bit_offset: int
) -> int | None:
    """The bits of one piece as a number; None if they are lost."""
    if location is None or isinstance(location, EmptyLocation):
        return None
    size = (bit_offset + bit_size + 7) // 8
    if isinstance(location, MemoryLocation):
        data = context.read(location.address, size)
        number = int.from_bytes(data, context.byte_order)
        if context.byte_order == "big":
            return number >> (size * 8 - bit_offset - bit_size)
        return number >> bit_offset
    found = _computed(location, context, size)
    if isinstance(found, Missing):
        return None
    return int.from_bytes(found.data, context.byte_order) >> bit_offset
