"""What each DWARF operation does: DWARF 5, section 2.5.1, in its order."""

from __future__ import annotations

from coresnap.analysis.expression.arithmetic import (
    BINARY,
    COMPARISONS,
    UNARY,
    convert,
    from_bytes,
    make,
)
from coresnap.analysis.expression.locations import (
    BaseType,
    ExpressionError,
    ImplicitLocation,
    ImplicitPointerLocation,
    RegisterLocation,
    ValueLocation,
)
from coresnap.analysis.expression.machine import Handler, Machine, signed64
from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.expression.operations import AnyOperation, Op, decode

__all__ = ["HANDLERS"]


def _address(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.relocate(operation.number))


def _address_index(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.relocate(machine.context.indexed(operation)))


def _constant_index(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.indexed(operation))


def _constant(machine: Machine, operation: AnyOperation) -> None:
    machine.push(operation.number)


def _literal(machine: Machine, operation: AnyOperation) -> None:
    machine.push(operation.atom - Op.LIT0)


def _dereference(machine: Machine, operation: AnyOperation) -> None:
    _read_generic(machine, machine.context.pointer_size)


def _dereference_size(machine: Machine, operation: AnyOperation) -> None:
    if not 0 < operation.number <= machine.context.pointer_size:
        raise ExpressionError("expression reads more than an address")
    _read_generic(machine, operation.number)


def _read_generic(machine: Machine, size: int) -> None:
    data = machine.read(machine.pop_address(), size)
    machine.push(int.from_bytes(data, machine.context.byte_order))


def _dereference_type(machine: Machine, operation: AnyOperation) -> None:
    base = machine.context.base_type(operation, operation.number2)
    data = machine.read(machine.pop_address(), min(operation.number, 64))
    machine.push_scalar(from_bytes(data, base, machine.context.byte_order))


def _other_address_space(machine: Machine, operation: AnyOperation) -> None:
    raise ExpressionError("address space other than the process's own")


def _duplicate(machine: Machine, operation: AnyOperation) -> None:
    machine.push_scalar(machine.peek(0))


def _drop(machine: Machine, operation: AnyOperation) -> None:
    machine.pop()


def _over(machine: Machine, operation: AnyOperation) -> None:
    machine.push_scalar(machine.peek(1))


def _pick(machine: Machine, operation: AnyOperation) -> None:
    machine.push_scalar(machine.peek(operation.number))


def _swap(machine: Machine, operation: AnyOperation) -> None:
    top, second = machine.pop(), machine.pop()
    machine.stack += [top, second]


def _rotate(machine: Machine, operation: AnyOperation) -> None:
    top, second, third = machine.pop(), machine.pop(), machine.pop()
    machine.stack += [top, third, second]


def _binary(machine: Machine, operation: AnyOperation) -> None:
    right, left = machine.pop(), machine.pop()
    if left.is_float != right.is_float:
        raise ExpressionError("expression mixes an integer and a float")
    base = right.type if left.type.encoding == 0 else left.type
    machine.push_scalar(make(BINARY[operation.atom](left, right), base))


def _plus_constant(machine: Machine, operation: AnyOperation) -> None:
    left = machine.pop()
    machine.push_scalar(make(left.value + operation.number, left.type))


def _unary(machine: Machine, operation: AnyOperation) -> None:
    operand = machine.pop()
    machine.push_scalar(make(UNARY[operation.atom](operand), operand.type))


def _compare(machine: Machine, operation: AnyOperation) -> None:
    right, left = machine.pop(), machine.pop()
    if left.is_float != right.is_float:
        raise ExpressionError("expression mixes an integer and a float")
    if left.is_float:
        machine.push(COMPARISONS[operation.atom](left.value, right.value))
    else:
        machine.push(COMPARISONS[operation.atom](left.signed(), right.signed()))


def _skip(machine: Machine, operation: AnyOperation) -> None:
    machine.jump = operation.number


def _branch(machine: Machine, operation: AnyOperation) -> None:
    if machine.pop().integer():
        machine.jump = operation.number


def _register(machine: Machine, operation: AnyOperation) -> None:
    machine.location = RegisterLocation(operation.atom - Op.REG0)


def _register_extended(machine: Machine, operation: AnyOperation) -> None:
    machine.location = RegisterLocation(operation.number)


def _register_offset(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.register(operation.atom - Op.BREG0) + operation.number)


def _register_offset_extended(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.register(operation.number) + operation.number2)


def _register_typed(machine: Machine, operation: AnyOperation) -> None:
    base = machine.context.base_type(operation, operation.number2)
    size = min(base.byte_size, 64)
    value = machine.register(operation.number) & (1 << 8 * size) - 1
    machine.push_scalar(from_bytes(value.to_bytes(size, "little"), base, "little"))


def _frame_base(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.frame_base() + operation.number)


def _cfa(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.cfa())


def _thread_local(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.tls_address(machine.pop_address()))


def _object_address(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.object_address())


def _piece(machine: Machine, operation: AnyOperation) -> None:
    machine.add_piece(8 * operation.number, 0)


def _bit_piece(machine: Machine, operation: AnyOperation) -> None:
    machine.add_piece(operation.number, operation.number2)


def _nothing(machine: Machine, operation: AnyOperation) -> None:
    pass


def _call(machine: Machine, operation: AnyOperation) -> None:
    machine.call(machine.context.procedure(operation))


def _implicit_value(machine: Machine, operation: AnyOperation) -> None:
    machine.location = ImplicitLocation(operation.block)


def _stack_value(machine: Machine, operation: AnyOperation) -> None:
    top = machine.pop()
    size = None if top.type.encoding == 0 else top.type.byte_size
    machine.location = ValueLocation(top.bits(), size)


def _implicit_pointer(machine: Machine, operation: AnyOperation) -> None:
    machine.location = ImplicitPointerLocation(
        operation.die, operation.number, signed64(operation.number2)
    )


def _entry_value(machine: Machine, operation: AnyOperation) -> None:
    context = machine.context
    try:
        nested = decode(operation.block, context.pointer_size, context.byte_order)
    except DecodeError as error:
        raise ExpressionError(str(error)) from error
    if not nested:
        raise ExpressionError("entry value of an empty expression")
    value = context.entry_value(nested)
    if value is None:
        raise ExpressionError("the caller does not say what it passed")
    if not operation.die:
        machine.push(value)
        return
    base = context.base_type(operation, operation.die)
    size = min(base.byte_size, 64)
    data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    machine.push_scalar(from_bytes(data, base, "little"))


def _parameter_reference(machine: Machine, operation: AnyOperation) -> None:
    value = machine.context.parameter_value(operation)
    if value is None:
        raise ExpressionError("the caller does not say what it passed")
    machine.push(value)


def _variable_value(machine: Machine, operation: AnyOperation) -> None:
    machine.push(machine.context.variable_value(operation))


def _typed_constant(machine: Machine, operation: AnyOperation) -> None:
    base = machine.context.base_type(operation, operation.number)
    scalar = from_bytes(operation.block, base, machine.context.byte_order)
    machine.push_scalar(scalar)


def _type_of(machine: Machine, operation: AnyOperation) -> BaseType:
    # 0 is the generic type, though libdw takes it for the offset of a DIE.
    if operation.number == 0:
        return machine.generic
    return machine.context.base_type(operation, operation.number)


def _convert(machine: Machine, operation: AnyOperation) -> None:
    base = _type_of(machine, operation)
    machine.push_scalar(convert(machine.pop(), base))


def _reinterpret(machine: Machine, operation: AnyOperation) -> None:
    base, operand = _type_of(machine, operation), machine.pop()
    if base.byte_size != operand.type.byte_size:
        raise ExpressionError("expression reinterprets a value as one of another size")
    data = operand.bits().to_bytes(base.byte_size, "little")
    machine.push_scalar(from_bytes(data, base, "little"))


HANDLERS: dict[int, Handler] = {
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
