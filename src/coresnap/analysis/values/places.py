"""Where a variable is at one address of the code, before any frame is looked at.

Most variables are at an offset from the frame base, in a register, or at a fixed
address: those are told apart here, once per address, so that a frame of a deep
recursion costs an addition per variable. The rest keeps its expression.
"""

from __future__ import annotations

import msgspec

from coresnap.analysis.debuginfo.constants import Attribute
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.records import Die, DieFlag, RawOperation
from coresnap.analysis.expression.operations import Op
from coresnap.errors import InputError

__all__ = [
    "ConstantPlace",
    "ExpressionPlace",
    "NoPlace",
    "Place",
    "PointerPlace",
    "RegisterPlace",
    "StackPlace",
    "StaticPlace",
    "place_at",
]


class StackPlace(msgspec.Struct, frozen=True):
    """In memory, ``offset`` bytes from the function's frame base."""

    offset: int


class StaticPlace(msgspec.Struct, frozen=True):
    """In memory at a fixed address of the process."""

    address: int


class RegisterPlace(msgspec.Struct, frozen=True):
    """In one register, by DWARF number."""

    number: int
    survives: bool = False
    """See ``ExpressionPlace``."""


class ConstantPlace(msgspec.Struct, frozen=True):
    """Nowhere: the debug information has the value."""

    value: int | bytes


class ExpressionPlace(msgspec.Struct, frozen=True):
    """Where the expression says."""

    operations: tuple[RawOperation, ...]
    survives: bool = False
    """The compiler says that the place outlives the call in progress: a register that
    no callee saved is one that none of them touches (GCC's -fipa-ra)."""


class PointerPlace(msgspec.Struct, frozen=True):
    """A pointer that was optimized out, to a variable that may have survived."""

    target: int
    """DIE of the variable."""
    offset: int


class NoPlace(msgspec.Struct, frozen=True):
    """Not there, and why."""

    reason: str


Place = (
    StackPlace
    | StaticPlace
    | RegisterPlace
    | ConstantPlace
    | ExpressionPlace
    | PointerPlace
    | NoPlace
)

_NOWHERE = NoPlace("optimized out: no location at this pc")
_NO_LOCATION = NoPlace("optimized out: no location in the debug information")


def place_at(
    file: DebugFile, chain: list[Die], pc: int, bias: int, return_pc: int = 0
) -> Place:
    """The place of a variable at link-time address ``pc``.

    ``chain`` is the variable's DIE with those it was made from; ``bias`` turns
    link-time addresses into addresses of the process; ``return_pc`` is where the call
    in progress returns to (0: there is none).
    """
    for die in chain:
        if die.flags & DieFlag.LOCATION:
            return _location_place(file, die.handle, pc, bias, return_pc)
        if die.flags & DieFlag.CONST_VALUE:
            return _constant_place(file, die.handle)
    return _NO_LOCATION


def _location_place(
    file: DebugFile, handle: int, pc: int, bias: int, return_pc: int
) -> Place:
    try:
        raw = file.location(handle, Attribute.LOCATION, pc)
    except InputError as error:
        return NoPlace(str(error))
    if not raw:
        return _NOWHERE
    simple = _simple_place(raw, bias)
    if simple is not None:
        return simple
    # A location in a register that the callee may change ends before the return
    # address: GCC ends it one byte early, clang at the address itself.
    survives = False
    if return_pc:
        survives = file.location(handle, Attribute.LOCATION, return_pc) == raw
    if len(raw) == 1:
        number = register_of(raw[0])
        if number is not None:
            return RegisterPlace(number, survives)
    return ExpressionPlace(raw, survives)


def register_of(operation: RawOperation) -> int | None:
    """The register that an operation names as a whole location, if it does."""
    if Op.REG0 <= operation.atom < Op.REG0 + 32:
        return operation.atom - Op.REG0
    return operation.number if operation.atom == Op.REGX else None


def _simple_place(raw: tuple[RawOperation, ...], bias: int) -> Place | None:
    first = raw[0]
    if first.atom in (Op.IMPLICIT_POINTER, Op.GNU_IMPLICIT_POINTER):
        return PointerPlace(first.die, _signed(first.number2))
    if len(raw) != 1:
        return None
    if first.atom == Op.FBREG:
        return StackPlace(_signed(first.number))
    if first.atom == Op.ADDR:
        return StaticPlace(first.number + bias & (1 << 64) - 1)
    return None


def _constant_place(file: DebugFile, handle: int) -> Place:
    value = file.attribute(handle, Attribute.CONST_VALUE)
    if value is not None and value.number is not None:
        return ConstantPlace(value.number)
    if value is not None and value.block is not None:
        return ConstantPlace(value.block)
    return NoPlace("damaged debug information: a constant without value")


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word
