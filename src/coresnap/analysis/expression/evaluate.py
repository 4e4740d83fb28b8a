"""Evaluates location expressions of DWARF 2 to 5, within bounds.

DWARF 5, section 2.5 and 2.6. Hostile expressions end in ``ExpressionError``: steps,
stack, nesting and the size of every value are limited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from coresnap.analysis.expression.arithmetic import (
    BINARY,
    COMPARISONS,
    UNARY,
    Scalar,
    convert,
    from_bytes,
    make,
)
from coresnap.analysis.expression.locations import (
    BaseType,
    EmptyLocation,
    ExpressionContext,
    ExpressionError,
    ImplicitLocation,
    ImplicitPointerLocation,
    Location,
    MemoryLocation,
    Piece,
    PieceLocation,
    RegisterLocation,
    ValueLocation,
)
from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.expression.operations import (
    AnyOperation,
    Op,
    Operations,
    decode,
)
from coresnap.errors import MemoryReadError

__all__ = ["evaluate", "evaluate_value"]

_STEP_LIMIT = 10_000
_STACK_LIMIT = 1024
_CALL_LIMIT = 16
_PIECE_LIMIT = 1024
_BRANCH_SIZE = 3
"""Bytes of a bra or skip operation; its operand counts from behind it."""


def evaluate(
    operations: Operations, context: ExpressionContext, stack: Sequence[int] = ()
) -> Location:
    """Say where the object is that ``operations`` describe.

    ``stack`` is what lies on the stack before (the object's address for a
    DW_AT_data_member_location, the CFA for a CFI rule). Raises ``ExpressionError``.
    """
    if len(operations) == 1 and operations[0].atom == Op.FBREG:
        # Nine of ten locals at -O0; the long way is six times slower.
        mask = (1 << 8 * context.pointer_size) - 1
        return MemoryLocation(context.frame_base() + operations[0].number & mask)
    machine = _Machine(context, [])
    for value in stack:
        machine.push(value)
    machine.run(operations)
    return machine.result()


def evaluate_value(
    operations: Operations, context: ExpressionContext, stack: Sequence[int] = ()
) -> int:
    """The number that ``operations`` leave on top of the stack, as an address.

    For DWARF expressions that are not locations: CFI rules, entry values, array
    bounds. Raises ``ExpressionError``.
    """
    location = evaluate(operations, context, stack)
    if isinstance(location, MemoryLocation):
        return location.address
    if isinstance(location, ValueLocation):
        return location.value
    if isinstance(location, RegisterLocation):
        value = context.register(location.number)
        if value is None:
            raise ExpressionError(f"register {location.number} was not saved")
        return value
    raise ExpressionError("expression gives no number")


@attrs.define(eq=False, repr=False)
class _Machine:
    context: ExpressionContext
    stack: list[Scalar]
    pieces: list[Piece] = attrs.field(factory=list)
    location: Location | None = None
    """A location that is not the address on top of the stack."""
    steps: int = 0
    depth: int = 0
    jump: int | None = None
    generic: BaseType = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.generic = BaseType(self.context.pointer_size, 0)

    def push(self, value: int) -> None:
        self.push_scalar(make(value, self.generic))

    def push_scalar(self, scalar: Scalar) -> None:
        if len(self.stack) >= _STACK_LIMIT:
            raise ExpressionError("expression needs too deep a stack")
        self.stack.append(scalar)

    def pop(self) -> Scalar:
        if not self.stack:
            raise ExpressionError("expression takes more than it has")
        return self.stack.pop()

    def peek(self, index: int) -> Scalar:
        if not 0 <= index < len(self.stack):
            raise ExpressionError("expression takes more than it has")
        return self.stack[-1 - index]

    def pop_address(self) -> int:
        return self.pop().bits()

    def read(self, address: int, size: int) -> bytes:
        try:
            return self.context.read(address, size)
        except MemoryReadError as error:
            raise ExpressionError(str(error)) from error

    def register(self, number: int) -> int:
        value = self.context.register(number)
        if value is None:
            raise ExpressionError(f"register {number} was not saved")
        return value

    def run(self, operations: Operations) -> None:
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
        target = branch.offset + _BRANCH_SIZE + _signed64(self.jump or 0)
        self.jump = None
        if target in positions:
            return positions[target]
        if target > max(positions):
            return end
        raise ExpressionError("expression jumps into an operation")

    def step(self, operation: AnyOperation) -> None:
        if self.location is not None and operation.atom not in _AFTER_LOCATION:
            raise ExpressionError("expression goes on after a location")
        handler = _HANDLERS.get(operation.atom)
        if handler is None:
            raise ExpressionError(f"DWARF operation {operation.atom:#04x} is not known")
        handler(self, operation)

    def take_location(self) -> Location | None:
        """The location before a piece or the end; None if there is none."""
        location, self.location = self.location, None
        if location is None and self.stack:
            location = MemoryLocation(self.pop_address())
        return location

    def result(self) -> Location:
        if self.pieces:
            return PieceLocation(tuple(self.pieces))
        return self.take_location() or EmptyLocation()


def _signed64(value: int) -> int:
    return (value + (1 << 63) & (1 << 64) - 1) - (1 << 63)


def _address(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.relocate(operation.number))


def _address_index(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.relocate(machine.context.indexed(operation)))


def _constant_index(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.indexed(operation))


def _constant(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(operation.number)


def _literal(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(operation.atom - Op.LIT0)


def _dereference(machine: _Machine, operation: AnyOperation) -> None:
    _read_generic(machine, machine.context.pointer_size)


def _dereference_size(machine: _Machine, operation: AnyOperation) -> None:
    if not 0 < operation.number <= machine.context.pointer_size:
        raise ExpressionError("expression reads more than an address")
    _read_generic(machine, operation.number)


def _read_generic(machine: _Machine, size: int) -> None:
    data = machine.read(machine.pop_address(), size)
    machine.push(int.from_bytes(data, machine.context.byte_order))


def _dereference_type(machine: _Machine, operation: AnyOperation) -> None:
    base = machine.context.base_type(operation, operation.number2)
    data = machine.read(machine.pop_address(), min(operation.number, 64))
    machine.push_scalar(from_bytes(data, base, machine.context.byte_order))


def _other_address_space(machine: _Machine, operation: AnyOperation) -> None:
    raise ExpressionError("address space other than the process's own")


def _duplicate(machine: _Machine, operation: AnyOperation) -> None:
    machine.push_scalar(machine.peek(0))


def _drop(machine: _Machine, operation: AnyOperation) -> None:
    machine.pop()


def _over(machine: _Machine, operation: AnyOperation) -> None:
    machine.push_scalar(machine.peek(1))


def _pick(machine: _Machine, operation: AnyOperation) -> None:
    machine.push_scalar(machine.peek(operation.number))


def _swap(machine: _Machine, operation: AnyOperation) -> None:
    top, second = machine.pop(), machine.pop()
    machine.stack += [top, second]


def _rotate(machine: _Machine, operation: AnyOperation) -> None:
    top, second, third = machine.pop(), machine.pop(), machine.pop()
    machine.stack += [top, third, second]


def _binary(machine: _Machine, operation: AnyOperation) -> None:
    right, left = machine.pop(), machine.pop()
    if left.is_float != right.is_float:
        raise ExpressionError("expression mixes an integer and a float")
    base = right.type if left.type.encoding == 0 else left.type
    machine.push_scalar(make(BINARY[operation.atom](left, right), base))


def _plus_constant(machine: _Machine, operation: AnyOperation) -> None:
    left = machine.pop()
    machine.push_scalar(make(left.value + operation.number, left.type))


def _unary(machine: _Machine, operation: AnyOperation) -> None:
    operand = machine.pop()
    machine.push_scalar(make(UNARY[operation.atom](operand), operand.type))


def _compare(machine: _Machine, operation: AnyOperation) -> None:
    right, left = machine.pop(), machine.pop()
    if left.is_float != right.is_float:
        raise ExpressionError("expression mixes an integer and a float")
    if left.is_float:
        machine.push(COMPARISONS[operation.atom](left.value, right.value))
    else:
        machine.push(COMPARISONS[operation.atom](left.signed(), right.signed()))


def _skip(machine: _Machine, operation: AnyOperation) -> None:
    machine.jump = operation.number


def _branch(machine: _Machine, operation: AnyOperation) -> None:
    if machine.pop().integer():
        machine.jump = operation.number


def _register(machine: _Machine, operation: AnyOperation) -> None:
    machine.location = RegisterLocation(operation.atom - Op.REG0)


def _register_extended(machine: _Machine, operation: AnyOperation) -> None:
    machine.location = RegisterLocation(operation.number)


def _register_offset(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.register(operation.atom - Op.BREG0) + operation.number)


def _register_offset_extended(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.register(operation.number) + operation.number2)


def _register_typed(machine: _Machine, operation: AnyOperation) -> None:
    base = machine.context.base_type(operation, operation.number2)
    size = min(base.byte_size, 64)
    value = machine.register(operation.number) & (1 << 8 * size) - 1
    machine.push_scalar(from_bytes(value.to_bytes(size, "little"), base, "little"))


def _frame_base(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.frame_base() + operation.number)


def _cfa(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.cfa())


def _thread_local(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.tls_address(machine.pop_address()))


def _object_address(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.object_address())


def _piece(machine: _Machine, operation: AnyOperation) -> None:
    _add_piece(machine, 8 * operation.number, 0)


def _bit_piece(machine: _Machine, operation: AnyOperation) -> None:
    _add_piece(machine, operation.number, operation.number2)


def _add_piece(machine: _Machine, bit_size: int, bit_offset: int) -> None:
    if len(machine.pieces) >= _PIECE_LIMIT:
        raise ExpressionError(f"object of more than {_PIECE_LIMIT} pieces")
    machine.pieces.append(Piece(machine.take_location(), bit_size, bit_offset))


def _nothing(machine: _Machine, operation: AnyOperation) -> None:
    pass


def _call(machine: _Machine, operation: AnyOperation) -> None:
    if machine.depth >= _CALL_LIMIT:
        raise ExpressionError("expressions call each other too deeply")
    machine.depth += 1
    machine.run(machine.context.procedure(operation))
    machine.depth -= 1


def _implicit_value(machine: _Machine, operation: AnyOperation) -> None:
    machine.location = ImplicitLocation(operation.block)


def _stack_value(machine: _Machine, operation: AnyOperation) -> None:
    top = machine.pop()
    size = None if top.type.encoding == 0 else top.type.byte_size
    machine.location = ValueLocation(top.bits(), size)


def _implicit_pointer(machine: _Machine, operation: AnyOperation) -> None:
    machine.location = ImplicitPointerLocation(
        operation.die, operation.number, _signed64(operation.number2)
    )


def _entry_value(machine: _Machine, operation: AnyOperation) -> None:
    context = machine.context
    try:
        nested = decode(operation.block, context.pointer_size, context.byte_order)
    except DecodeError as error:
        raise ExpressionError(str(error)) from error
    value = context.entry_value(nested)
    if value is None:
        raise ExpressionError("the caller does not say what it passed")
    machine.push(value)


def _parameter_reference(machine: _Machine, operation: AnyOperation) -> None:
    value = machine.context.parameter_value(operation)
    if value is None:
        raise ExpressionError("the caller does not say what it passed")
    machine.push(value)


def _variable_value(machine: _Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.variable_value(operation))


def _typed_constant(machine: _Machine, operation: AnyOperation) -> None:
    base = machine.context.base_type(operation, operation.number)
    scalar = from_bytes(operation.block, base, machine.context.byte_order)
    machine.push_scalar(scalar)


def _type_of(machine: _Machine, operation: AnyOperation) -> BaseType:
    if operation.number == 0 and operation.die == 0:
        return machine.generic
    return machine.context.base_type(operation, operation.number)


def _convert(machine: _Machine, operation: AnyOperation) -> None:
    base = _type_of(machine, operation)
    machine.push_scalar(convert(machine.pop(), base))


def _reinterpret(machine: _Machine, operation: AnyOperation) -> None:
    base, operand = _type_of(machine, operation), machine.pop()
    if base.byte_size != operand.type.byte_size:
        raise ExpressionError("expression reinterprets a value as one of another size")
    data = operand.bits().to_bytes(base.byte_size, "little")
    machine.push_scalar(from_bytes(data, base, "little"))


_Handler = Callable[[_Machine, AnyOperation], None]

_AFTER_LOCATION = frozenset({Op.PIECE, Op.BIT_PIECE, Op.NOP, Op.GNU_UNINIT})

_HANDLERS: dict[int, _Handler] = {
    Op.ADDR: _address,
    Op.DEREF: _dereference,
    **dict.fromkeys(range(Op.CONST1U, Op.CONSTS + 1), _constant),
    Op.DUP: _duplicate,
    Op.DROP: _drop,
    Op.OVER: _over,
    Op.PICK: _pick,
    Op.SWAP: _swap,
    Op.ROT: _rotate,
    Op.XDEREF: _other_address_space,
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(BINARY, _binary),
    **dict.fromkeys(COMPARISONS, _compare),
    Op.PLUS_UCONST: _plus_constant,
    Op.BRA: _branch,
    Op.SKIP: _skip,
    **dict.fromkeys(range(Op.LIT0, Op.LIT0 + 32), _literal),
    **dict.fromkeys(range(Op.REG0, Op.REG0 + 32), _register),
    **dict.fromkeys(range(Op.BREG0, Op.BREG0 + 32), _register_offset),
    Op.REGX: _register_extended,
    Op.FBREG: _frame_base,
    Op.BREGX: _register_offset_extended,
    Op.PIECE: _piece,
    Op.DEREF_SIZE: _dereference_size,
    Op.XDEREF_SIZE: _other_address_space,
    Op.NOP: _nothing,
    Op.PUSH_OBJECT_ADDRESS: _object_address,
    Op.CALL2: _call,
    Op.CALL4: _call,
    Op.CALL_REF: _call,
    Op.FORM_TLS_ADDRESS: _thread_local,
    Op.CALL_FRAME_CFA: _cfa,
    Op.BIT_PIECE: _bit_piece,
    Op.IMPLICIT_VALUE: _implicit_value,
    Op.STACK_VALUE: _stack_value,
    Op.IMPLICIT_POINTER: _implicit_pointer,
    Op.ADDRX: _address_index,
    Op.CONSTX: _constant_index,
    Op.ENTRY_VALUE: _entry_value,
    Op.CONST_TYPE: _typed_constant,
    Op.REGVAL_TYPE: _register_typed,
    Op.DEREF_TYPE: _dereference_type,
    Op.XDEREF_TYPE: _other_address_space,
    Op.CONVERT: _convert,
    Op.REINTERPRET: _reinterpret,
    Op.GNU_PUSH_TLS_ADDRESS: _thread_local,
    Op.GNU_UNINIT: _nothing,
    Op.GNU_IMPLICIT_POINTER: _implicit_pointer,
    Op.GNU_ENTRY_VALUE: _entry_value,
    Op.GNU_CONST_TYPE: _typed_constant,
    Op.GNU_REGVAL_TYPE: _register_typed,
    Op.GNU_DEREF_TYPE: _dereference_type,
    Op.GNU_CONVERT: _convert,
    Op.GNU_REINTERPRET: _reinterpret,
    Op.GNU_PARAMETER_REF: _parameter_reference,
    Op.GNU_ADDR_INDEX: _address_index,
    Op.GNU_CONST_INDEX: _constant_index,
    Op.GNU_VARIABLE_VALUE: _variable_value,
}
