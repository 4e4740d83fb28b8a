"""DWARF expressions: every operation, and an end to every hostile one."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.analysis.expression import (
    AnyOperation,
    BaseType,
    EmptyLocation,
    ExpressionContext,
    ExpressionError,
    ImplicitLocation,
    ImplicitPointerLocation,
    Location,
    MemoryLocation,
    Op,
    Operation,
    Operations,
    Piece,
    PieceLocation,
    RegisterLocation,
    ValueLocation,
    decode,
    evaluate,
    evaluate_value,
)
from coresnap.analysis.expression.numbers import DecodeError, sleb128, uleb128
from coresnap.errors import MemoryReadError

MEMORY = bytes(range(1, 129)) + struct.pack("<fd", 1.5, -2.25)
INT32, UINT8 = BaseType(4, 5), BaseType(1, 7)
FLOAT, DOUBLE, EXTENDED = BaseType(4, 4), BaseType(8, 4), BaseType(16, 4)
TYPES = {1: INT32, 2: UINT8, 3: FLOAT, 4: DOUBLE, 5: EXTENDED, 6: BaseType(8, 7)}


class Frame(ExpressionContext):
    """A frame whose memory begins at 0x1000, and that knows a few registers."""

    def __init__(self, pointer_size: int = 8) -> None:
        self.pointer_size = pointer_size
        self.registers = {0: 0x1000, 5: 0xFFFF_FFFF_FFFF_FFF0, 17: 0x3FC00000}

    def read(self, address: int, size: int) -> bytes:
        data = MEMORY[address - 0x1000 :][:size] if address >= 0x1000 else b""
        if len(data) < size:
            raise MemoryReadError(address, size)
        return data

    def register(self, number: int) -> int | None:
        return self.registers.get(number)

    def relocate(self, address: int) -> int:
        return address + 0x10000

    def frame_base(self) -> int:
        return 0x2000

    def cfa(self) -> int:
        return 0x3000

    def tls_address(self, offset: int) -> int:
        return 0x4000 + offset

    def entry_value(self, operations: Operations) -> int | None:
        named = [operation.atom for operation in operations]
        return 77 if named[:1] == [Op.REG0] else None

    def object_address(self) -> int:
        return 0x5000

    def base_type(self, operation: AnyOperation, reference: int) -> BaseType:
        return TYPES[reference]

    def procedure(self, operation: AnyOperation) -> Operations:
        if operation.number == 9:
            return [Operation(Op.CALL4, 9)]
        return [Operation(Op.LIT0 + 2), Operation(Op.MUL)]

    def indexed(self, operation: AnyOperation) -> int:
        return 0x100 + operation.number

    def variable_value(self, operation: AnyOperation) -> int:
        return 123

    def parameter_value(self, operation: AnyOperation) -> int | None:
        return 88 if operation.number == 1 else None


def run(*code: int | bytes, stack: tuple[int, ...] = (), size: int = 8) -> Location:
    data = b"".join(c if isinstance(c, bytes) else bytes([c]) for c in code)
    return evaluate(decode(data, size, "little"), Frame(size), stack)


def value(*code: int | bytes, stack: tuple[int, ...] = (), size: int = 8) -> int:
    location = run(*code, stack=stack, size=size)
    assert isinstance(location, MemoryLocation)
    return location.address


def sleb(number: int) -> bytes:
    out = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        if (number == 0 and not byte & 0x40) or (number == -1 and byte & 0x40):
            return bytes([*out, byte])
        out.append(byte | 0x80)


def s(number: int) -> bytes:
    return bytes([Op.CONSTS]) + sleb(number)


MINUS_ONE = 2**64 - 1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ([Op.ADDR, struct.pack("<Q", 0x400)], 0x10400),
        ([Op.CONST1U, 200], 200),
        ([Op.CONST1S, 200], 2**64 - 56),
        ([Op.CONST2U, b"\xff\xff"], 0xFFFF),
        ([Op.CONST2S, b"\xff\xff"], MINUS_ONE),
        ([Op.CONST4U, b"\xff\xff\xff\xff"], 0xFFFFFFFF),
        ([Op.CONST4S, b"\xff\xff\xff\xff"], MINUS_ONE),
        ([Op.CONST8U, b"\xff" * 8], MINUS_ONE),
        ([Op.CONST8S, b"\xff" * 8], MINUS_ONE),
        ([Op.CONSTU, b"\x80\x01"], 128),
        ([s(-3)], 2**64 - 3),
        ([Op.LIT0 + 31], 31),
        ([Op.BREG0, sleb(-8)], 0xFF8),
        ([Op.BREG0 + 5, sleb(32)], 0x10),
        ([Op.BREGX, 0, sleb(4)], 0x1004),
        ([Op.FBREG, sleb(-24)], 0x2000 - 24),
        ([Op.CALL_FRAME_CFA], 0x3000),
        ([Op.LIT0 + 8, Op.FORM_TLS_ADDRESS], 0x4008),
        ([Op.LIT0 + 8, Op.GNU_PUSH_TLS_ADDRESS], 0x4008),
        ([Op.PUSH_OBJECT_ADDRESS], 0x5000),
        ([Op.BREG0, 0, Op.DEREF], 0x0807060504030201),
        ([Op.BREG0, 0, Op.DEREF_SIZE, 2], 0x0201),
        ([s(3), Op.DUP, Op.PLUS], 6),
        ([s(3), s(4), Op.DROP], 3),
        ([s(3), s(4), Op.OVER], 3),
        ([s(3), s(4), s(5), Op.PICK, 2], 3),
        ([s(3), s(5), Op.SWAP, Op.MINUS], 2),
        ([s(1), s(2), s(3), Op.ROT, Op.DROP, Op.MINUS], 2),
        ([s(-7), Op.ABS], 7),
        ([s(6), s(3), Op.AND], 2),
        ([s(6), s(3), Op.OR], 7),
        ([s(6), s(3), Op.XOR], 5),
        ([s(-7), s(2), Op.DIV], 2**64 - 3),
        ([s(7), s(-2), Op.DIV], 2**64 - 3),
        ([s(-7), s(4), Op.MOD], (2**64 - 7) % 4),
        ([s(3), s(5), Op.MINUS], 2**64 - 2),
        ([s(-1), s(-1), Op.MUL], 1),
        ([s(5), Op.NEG], 2**64 - 5),
        ([s(5), Op.NOT], 2**64 - 6),
        ([s(5), Op.PLUS_UCONST, 9], 14),
        ([s(-1), s(2), Op.PLUS], 1),
        ([s(1), s(63), Op.SHL], 1 << 63),
        ([s(1), s(64), Op.SHL], 0),
        ([s(-1), s(60), Op.SHR], 15),
        ([s(-16), s(2), Op.SHRA], 2**64 - 4),
        ([s(-16), s(99), Op.SHRA], MINUS_ONE),
        ([s(-1), s(1), Op.LT], 1),
        ([s(-1), s(1), Op.GT], 0),
        ([s(2), s(2), Op.GE], 1),
        ([s(2), s(2), Op.LE], 1),
        ([s(2), s(2), Op.EQ], 1),
        ([s(2), s(2), Op.NE], 0),
        ([s(9), Op.NOP], 9),
        ([s(9), Op.GNU_UNINIT], 9),
        ([s(9), Op.CALL2, b"\0\0"], 18),
        ([s(9), Op.CALL4, b"\0\0\0\0"], 18),
        ([s(9), Op.CALL_REF, b"\0\0\0\0"], 18),
        ([Op.ADDRX, 3], 0x10103),
        ([Op.GNU_ADDR_INDEX, 3], 0x10103),
        ([Op.CONSTX, 3], 0x103),
        ([Op.GNU_CONST_INDEX, 3], 0x103),
        ([Op.ENTRY_VALUE, 1, Op.REG0], 77),
        ([Op.GNU_ENTRY_VALUE, 1, Op.REG0], 77),
        ([Op.GNU_PARAMETER_REF, b"\1\0\0\0"], 88),
        ([Op.GNU_VARIABLE_VALUE, b"\1\0\0\0"], 123),
        # skip over the first literal; bra if the top is not zero
        ([Op.SKIP, b"\1\0", Op.LIT0 + 1, Op.LIT0 + 2], 2),
        ([s(5), s(1), Op.BRA, b"\2\0", Op.DROP, s(6)[:0], Op.LIT0, Op.NOP], 5),
        ([s(5), s(0), Op.BRA, b"\1\0", Op.DROP, Op.LIT0 + 3], 3),
    ],
    ids=str,
)
def test_each_operation_computes_as_the_standard_says(
    code: list[int | bytes], expected: int
) -> None:
    assert value(*code) == expected


def test_addresses_wrap_at_the_size_of_the_machine() -> None:
    assert value(s(-1), Op.PLUS_UCONST, 3, size=4) == 2
    assert value(s(-8), size=4) == 0xFFFFFFF8
    assert value(s(-1), s(28), Op.SHR, size=4) == 15


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ([], EmptyLocation()),
        ([Op.REG0 + 3], RegisterLocation(3)),
        ([Op.REGX, b"\x85\x01"], RegisterLocation(133)),
        ([s(-1), Op.STACK_VALUE], ValueLocation(MINUS_ONE)),
        ([Op.IMPLICIT_VALUE, 3, b"abc"], ImplicitLocation(b"abc")),
        (
            [Op.IMPLICIT_POINTER, struct.pack("<I", 0x55), sleb(-4)],
            ImplicitPointerLocation(0, 0x55, -4),
        ),
        (
            [Op.GNU_IMPLICIT_POINTER, struct.pack("<I", 0x55), 0],
            ImplicitPointerLocation(0, 0x55, 0),
        ),
        (
            [Op.REG0, Op.PIECE, 4, Op.PIECE, 2, Op.FBREG, 0, Op.PIECE, 1],
            PieceLocation(
                (
                    Piece(RegisterLocation(0), 32, 0),
                    Piece(None, 16, 0),
                    Piece(MemoryLocation(0x2000), 8, 0),
                )
            ),
        ),
        (
            [Op.REG0, Op.BIT_PIECE, 3, 5, s(6), Op.STACK_VALUE, Op.BIT_PIECE, 7, 0],
            PieceLocation(
                (Piece(RegisterLocation(0), 3, 5), Piece(ValueLocation(6), 7, 0))
            ),
        ),
    ],
    ids=str,
)
def test_locations_that_are_not_in_memory(
    code: list[int | bytes], expected: Location
) -> None:
    assert run(*code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # 200 as unsigned char plus 100 wraps at 8 bits.
        (
            [Op.CONST_TYPE, 2, 1, b"\xc8", Op.CONST_TYPE, 2, 1, b"\x64", Op.PLUS],
            ValueLocation(44, 1),
        ),
        # -8 / 3 as int
        (
            [s(-8), Op.CONVERT, 1, s(3), Op.CONVERT, 1, Op.DIV],
            ValueLocation(2**32 - 2, 4),
        ),
        (
            [s(-8), Op.CONVERT, 1, s(3), Op.CONVERT, 1, Op.MOD],
            ValueLocation(2**32 - 2, 4),
        ),
        # 1.5f from a register, converted to double and doubled
        (
            [Op.REGVAL_TYPE, 17, 3, Op.CONVERT, 4, Op.DUP, Op.PLUS],
            ValueLocation(int.from_bytes(struct.pack("<d", 3.0), "little"), 8),
        ),
        ([Op.GNU_REGVAL_TYPE, 17, 3, Op.GNU_CONVERT, 1], ValueLocation(1, 4)),
        (
            [Op.BREG0, b"\x84\x01", Op.DEREF_TYPE, 8, 4],
            ValueLocation(int.from_bytes(struct.pack("<d", -2.25), "little"), 8),
        ),
        ([Op.BREG0, 0, Op.GNU_DEREF_TYPE, 1, 2], ValueLocation(1, 1)),
        # the bits of 1.5f as an int
        ([Op.REGVAL_TYPE, 17, 3, Op.REINTERPRET, 1], ValueLocation(0x3FC00000, 4)),
        ([s(-1), Op.CONVERT, 1, Op.CONVERT, 0], ValueLocation(MINUS_ONE)),
        ([s(-3), Op.CONVERT, 4, Op.CONVERT, 1], ValueLocation(2**32 - 3, 4)),
        # 80-bit 1.5, as i387 keeps it
        (
            [
                Op.CONST_TYPE,
                5,
                16,
                struct.pack("<QH6x", 3 << 62, 0x3FFF),
                Op.CONVERT,
                4,
            ],
            ValueLocation(int.from_bytes(struct.pack("<d", 1.5), "little"), 8),
        ),
    ],
    ids=str,
)
def test_typed_values(code: list[int | bytes], expected: Location) -> None:
    assert run(*code, Op.STACK_VALUE) == expected


def test_what_lies_on_the_stack_before_is_used() -> None:
    assert value(Op.PLUS_UCONST, 8, stack=(0x7000,)) == 0x7008


def test_operations_of_another_make_are_taken_too() -> None:
    class Foreign:
        atom, number, number2, offset, die, block = Op.FBREG, 2**64 - 16, 0, 0, 0, b""

    assert evaluate([Foreign()], Frame()) == MemoryLocation(0x1FF0)


def test_a_value_is_taken_from_wherever_the_expression_leaves_it() -> None:
    frame = Frame()
    assert evaluate_value(decode(bytes([Op.REG0]), 8, "little"), frame) == 0x1000
    assert (
        evaluate_value(decode(s(5) + bytes([Op.STACK_VALUE]), 8, "little"), frame) == 5
    )
    assert evaluate_value([Operation(Op.LIT0 + 4)], frame) == 4
    with pytest.raises(ExpressionError):
        evaluate_value([], frame)
    with pytest.raises(ExpressionError, match="register 3"):
        evaluate_value([Operation(Op.REG0 + 3)], frame)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ([Op.PLUS], "more than it has"),
        ([Op.PICK, 200], "more than it has"),
        ([Op.BREG0 + 9, 0], "register 9 was not saved"),
        ([Op.LIT0, Op.DEREF], "cannot read 8 bytes at 0x0"),
        ([Op.LIT0, Op.LIT0, Op.DIV], "division by zero"),
        ([Op.LIT0, Op.LIT0, Op.MOD], "division by zero"),
        ([Op.SKIP, b"\xfd\xff"], "does not end"),
        ([Op.LIT0, Op.DUP, Op.SKIP, b"\xfc\xff"], "too deep a stack"),
        ([Op.SKIP, b"\1\0", Op.CONST2U, b"\0\0", Op.LIT0], "into an operation"),
        ([Op.REG0, Op.LIT0], "after a location"),
        ([Op.LIT0, Op.LIT0, Op.XDEREF], "address space"),
        ([Op.BREG0, 0, Op.DEREF_SIZE, 9], "more than an address"),
        ([Op.CALL4, b"\x09\0\0\0"], "too deeply"),
        ([Op.ENTRY_VALUE, 1, Op.REG0 + 1], "caller does not say"),
        ([Op.ENTRY_VALUE, 1, 0x01], "unknown DWARF operation"),
        ([Op.ENTRY_VALUE, 0], "empty expression"),
        ([Op.GNU_PARAMETER_REF, b"\2\0\0\0"], "caller does not say"),
        ([Op.REGVAL_TYPE, 17, 3, Op.LIT0, Op.PLUS], "mixes"),
        ([Op.REGVAL_TYPE, 17, 3, Op.LIT0, Op.LT], "mixes"),
        ([Op.REGVAL_TYPE, 17, 3, Op.NOT], "float where"),
        ([s(1), Op.REINTERPRET, 1], "another size"),
        ([Op.REG0, Op.PIECE, 1] * 1100, "pieces"),
    ],
    ids=str,
)
def test_what_cannot_be_known_is_a_reason(code: list[int | bytes], reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        run(*code)


def test_a_context_that_knows_nothing_gives_reasons() -> None:
    for atom in (Op.FBREG, Op.CALL_FRAME_CFA, Op.BREG0, Op.PUSH_OBJECT_ADDRESS):
        with pytest.raises(ExpressionError):
            evaluate([Operation(Op.NOP), Operation(atom)], ExpressionContext())


@pytest.mark.parametrize(
    "data", [b"\x03\0", b"\x9e\x05ab", b"\x0a", b"\x10\x80", b"\x01"]
)
def test_cut_or_unknown_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data, 8, "little")


def test_big_endian_operands_and_64_bit_dwarf() -> None:
    assert decode(b"\x0a\x01\x02", 8, "big")[0].number == 0x0102
    code = bytes([Op.IMPLICIT_POINTER]) + struct.pack("<Q", 7) + b"\0"
    assert decode(code, 8, "little", offset_size=8)[0].number == 7


@given(st.integers(-(2**63), 2**63 - 1))
def test_leb128_round_trips(number: int) -> None:
    assert sleb128(sleb(number) + b"x", 0) == (number, len(sleb(number)))
    if number >= 0:
        out, rest = bytearray(), number
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        assert uleb128(bytes([*out, rest]), 0) == (number, len(out) + 1)


def test_endless_leb128_is_refused() -> None:
    with pytest.raises(DecodeError):
        uleb128(b"\x80" * 1000, 0)


def test_type_0_of_a_conversion_is_the_generic_one_whatever_die_libdw_names() -> None:
    operations = [
        Operation(Op.CONSTS, -1),
        Operation(Op.GNU_CONVERT, 1),
        Operation(Op.GNU_CONVERT, 0, die=0xB),
        Operation(Op.STACK_VALUE),
    ]
    assert evaluate(operations, Frame()) == ValueLocation(MINUS_ONE)


@given(st.binary(max_size=64))
@settings(max_examples=500, deadline=None)
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    class Anything(Frame):
        def base_type(self, operation: AnyOperation, reference: int) -> BaseType:
            return TYPES[reference % 6 + 1]

    try:
        operations = decode(data, 8, "little")
        evaluate(operations, Anything(), (1, 2, 3, 0x1000))
    except (DecodeError, ExpressionError):
        pass
