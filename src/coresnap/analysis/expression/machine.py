"""The DWARF stack machine: steps, stack and pieces, all of them limited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from coresnap.analysis.expression.arithmetic import Scalar, make
from coresnap.analysis.expression.locations import (
    BaseType,
    EmptyLocation,
    ExpressionContext,
    ExpressionError,
    Location,
    MemoryLocation,
    Piece,
    PieceLocation,
)
from coresnap.analysis.expression.operations import AnyOperation, Op, Operations
from coresnap.errors import MemoryReadError

__all__ = ["Handler", "Machine", "signed64"]

_STEP_LIMIT = 10_000
_STACK_LIMIT = 1024
_CALL_LIMIT = 16
_PIECE_LIMIT = 1024
_BRANCH_SIZE = 3
"""Bytes of a bra or skip operation; its operand counts from behind it."""
_AFTER_LOCATION = frozenset({Op.PIECE, Op.BIT_PIECE, Op.NOP, Op.GNU_UNINIT})

Handler: TypeAlias = "Callable[[Machine, AnyOperation], None]"


class Machine(msgspec.Struct, eq=False):
    """The stack and its bounds; ``handlers`` say what each operation does to it."""

    context: ExpressionContext
    handlers: Mapping[int, Handler]
    generic: BaseType
    """The type of an address without a sign."""
    stack: list[Scalar] = msgspec.field(default_factory=list)
    pieces: list[Piece] = msgspec.field(default_factory=list)
    location: Location | None = None
    """A location that is not the address on top of the stack."""
    steps: int = 0
    depth: int = 0
    jump: int | None = None

    def push(self, value: int) -> None:
        """Push a generic value."""
        self.push_scalar(make(value, self.generic))

    def push_scalar(self, scalar: Scalar) -> None:
        """Push a value with its type."""
        if len(self.stack) >= _STACK_LIMIT:
            raise ExpressionError("expression needs too deep a stack")
        self.stack.append(scalar)

    def pop(self) -> Scalar:
        """Take the top."""
        if not self.stack:
            raise ExpressionError("expression takes more than it has")
        return self.stack.pop()

    def peek(self, index: int) -> Scalar:
        """Look at an entry; 0 is the top."""
        if not 0 <= index < len(self.stack):
            raise ExpressionError("expression takes more than it has")
        return self.stack[-1 - index]

    def pop_address(self) -> int:
        """Take the top as an address."""
        return self.pop().bits()

    def read(self, address: int, size: int) -> bytes:
        """Read memory; a missing byte is a reason."""
        try:
            return self.context.read(address, size)
        except MemoryReadError as error:
            raise ExpressionError(str(error)) from error

    def register(self, number: int) -> int:
        """Value of a register; a lost one is a reason."""
        value = self.context.register(number)
        if value is None:
            raise ExpressionError(f"register {number} was not saved")
        return value

    def run(self, operations: Operations) -> None:
        """Run to the end."""
        index = 0
        positions: dict[int, int] | None = None
        while index < len(operations):
            operation = operations[index]
            index += 1
            self.steps += 1
            if self.steps > _STEP_LIMIT:
                raise ExpressionError("expression does not end")
            self.step(operation)
            if self.jump is not None:
                if positions is None:
                    positions = {op.offset: i for i, op in enumerate(operations)}
                index = self._target(operation, positions, len(operations))

    def _target(self, branch: AnyOperation, positions: dict[int, int], end: int) -> int:
        target = branch.offset + _BRANCH_SIZE + signed64(self.jump or 0)
        self.jump = None
        if target in positions:
            return positions[target]
        if target > max(positions):
            return end
        raise ExpressionError("expression jumps into an operation")

    def step(self, operation: AnyOperation) -> None:
        """Run one operation."""
        if self.location is not None and operation.atom not in _AFTER_LOCATION:
            raise ExpressionError("expression goes on after a location")
        handler = self.handlers.get(operation.atom)
        if handler is None:
            raise ExpressionError(f"DWARF operation {operation.atom:#04x} is not known")
        handler(self, operation)

    def call(self, operations: Operations) -> None:
        """Run another expression on the same stack."""
        if self.depth >= _CALL_LIMIT:
            raise ExpressionError("expressions call each other too deeply")
        self.depth += 1
        self.run(operations)
        self.depth -= 1

    def add_piece(self, bit_size: int, bit_offset: int) -> None:
        """The location so far is where a part of the object is."""
        if len(self.pieces) >= _PIECE_LIMIT:
            raise ExpressionError(f"object of more than {_PIECE_LIMIT} pieces")
        self.pieces.append(Piece(self.take_location(), bit_size, bit_offset))

    def take_location(self) -> Location | None:
        """The location before a piece or the end; None if there is none."""
        location, self.location = self.location, None
        if location is None and self.stack:
            location = MemoryLocation(self.pop_address())
        return location

    def result(self) -> Location:
        """What the expression says at its end."""
        if self.pieces:
            return PieceLocation(tuple(self.pieces))
        return self.take_location() or EmptyLocation()


def signed64(value: int) -> int:
    """Read 64 bits as two's complement; an already negative number stays."""
    return (value + (1 << 63) & (1 << 64) - 1) - (1 << 63)
