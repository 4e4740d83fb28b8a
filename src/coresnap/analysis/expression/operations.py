"""DWARF operations: their codes, their operands, and decoding them from bytes.

DWARF 5, section 7.7.1, and the GNU extensions that GCC and Clang write for DWARF 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from coresnap.analysis.expression.numbers import (
    ByteOrder,
    DecodeError,
    fixed,
    sleb128,
    uleb128,
)

__all__ = ["AnyOperation", "Op", "Operation", "Operations", "decode"]

_OPERATION_LIMIT = 10_000


class Op:
    """Operation codes; the numbered families name their first member."""

    ADDR = 0x03
    DEREF = 0x06
    CONST1U = 0x08
    CONST1S = 0x09
    CONST2U = 0x0A
    CONST2S = 0x0B
    CONST4U = 0x0C
    CONST4S = 0x0D
    CONST8U = 0x0E
    CONST8S = 0x0F
    CONSTU = 0x10
    CONSTS = 0x11
    DUP = 0x12
    DROP = 0x13
    OVER = 0x14
    PICK = 0x15
    SWAP = 0x16
    ROT = 0x17
    XDEREF = 0x18
    ABS = 0x19
    AND = 0x1A
    DIV = 0x1B
    MINUS = 0x1C
    MOD = 0x1D
    MUL = 0x1E
    NEG = 0x1F
    NOT = 0x20
    OR = 0x21
    PLUS = 0x22
    PLUS_UCONST = 0x23
    SHL = 0x24
    SHR = 0x25
    SHRA = 0x26
    XOR = 0x27
    BRA = 0x28
    EQ = 0x29
    GE = 0x2A
    GT = 0x2B
    LE = 0x2C
    LT = 0x2D
    NE = 0x2E
    SKIP = 0x2F
    LIT0 = 0x30
    REG0 = 0x50
    BREG0 = 0x70
    REGX = 0x90
    FBREG = 0x91
    BREGX = 0x92
    PIECE = 0x93
    DEREF_SIZE = 0x94
    XDEREF_SIZE = 0x95
    NOP = 0x96
    PUSH_OBJECT_ADDRESS = 0x97
    CALL2 = 0x98
    CALL4 = 0x99
    CALL_REF = 0x9A
    FORM_TLS_ADDRESS = 0x9B
    CALL_FRAME_CFA = 0x9C
    BIT_PIECE = 0x9D
    IMPLICIT_VALUE = 0x9E
    STACK_VALUE = 0x9F
    IMPLICIT_POINTER = 0xA0
    ADDRX = 0xA1
    CONSTX = 0xA2
    ENTRY_VALUE = 0xA3
    CONST_TYPE = 0xA4
    REGVAL_TYPE = 0xA5
    DEREF_TYPE = 0xA6
    XDEREF_TYPE = 0xA7
    CONVERT = 0xA8
    REINTERPRET = 0xA9
    GNU_PUSH_TLS_ADDRESS = 0xE0
    GNU_UNINIT = 0xF0
    GNU_IMPLICIT_POINTER = 0xF2
    GNU_ENTRY_VALUE = 0xF3
    GNU_CONST_TYPE = 0xF4
    GNU_REGVAL_TYPE = 0xF5
    GNU_DEREF_TYPE = 0xF6
    GNU_CONVERT = 0xF7
    GNU_REINTERPRET = 0xF9
    GNU_PARAMETER_REF = 0xFA
    GNU_ADDR_INDEX = 0xFB
    GNU_CONST_INDEX = 0xFC
    GNU_VARIABLE_VALUE = 0xFD


class AnyOperation(Protocol):
    """What an operation must tell; libdw's layer has such records of its own."""

    @property
    def atom(self) -> int:
        """Operation code, see ``Op``."""

    @property
    def number(self) -> int:
        """First operand. Signed operands may come sign-extended to 64 bits."""

    @property
    def number2(self) -> int:
        """Second operand."""

    @property
    def offset(self) -> int:
        """Byte offset in its expression: what branches count from."""

    @property
    def die(self) -> int:
        """Handle of the DIE it refers to (a type, a variable, a procedure), else 0."""

    @property
    def block(self) -> bytes:
        """Implicit value, typed constant, or the nested expression, not decoded."""


class Operation(msgspec.Struct, frozen=True):
    """An ``AnyOperation`` as ``decode`` makes it; ``die`` stays 0."""

    atom: int
    number: int = 0
    number2: int = 0
    offset: int = 0
    die: int = 0
    block: bytes = b""


Operations = Sequence[AnyOperation]

_OPERANDS: dict[int, tuple[str, ...]] = {
    Op.ADDR: ("address",),
    Op.CONST1U: ("u1",),
    Op.CONST1S: ("s1",),
    Op.CONST2U: ("u2",),
    Op.CONST2S: ("s2",),
    Op.CONST4U: ("u4",),
    Op.CONST4S: ("s4",),
    Op.CONST8U: ("u8",),
    Op.CONST8S: ("s8",),
    Op.CONSTU: ("uleb",),
    Op.CONSTS: ("sleb",),
    Op.PICK: ("u1",),
    Op.PLUS_UCONST: ("uleb",),
    Op.BRA: ("s2",),
    Op.SKIP: ("s2",),
    Op.REGX: ("uleb",),
    Op.FBREG: ("sleb",),
    Op.BREGX: ("uleb", "sleb"),
    Op.PIECE: ("uleb",),
    Op.DEREF_SIZE: ("u1",),
    Op.XDEREF_SIZE: ("u1",),
    Op.CALL2: ("u2",),
    Op.CALL4: ("u4",),
    Op.CALL_REF: ("offset",),
    Op.BIT_PIECE: ("uleb", "uleb"),
    Op.IMPLICIT_VALUE: ("block",),
    Op.IMPLICIT_POINTER: ("offset", "sleb"),
    Op.ADDRX: ("uleb",),
    Op.CONSTX: ("uleb",),
    Op.ENTRY_VALUE: ("block",),
    Op.CONST_TYPE: ("uleb", "block1"),
    Op.REGVAL_TYPE: ("uleb", "uleb"),
    Op.DEREF_TYPE: ("u1", "uleb"),
    Op.XDEREF_TYPE: ("u1", "uleb"),
    Op.CONVERT: ("uleb",),
    Op.REINTERPRET: ("uleb",),
    Op.GNU_IMPLICIT_POINTER: ("offset", "sleb"),
    Op.GNU_ENTRY_VALUE: ("block",),
    Op.GNU_CONST_TYPE: ("uleb", "block1"),
    Op.GNU_REGVAL_TYPE: ("uleb", "uleb"),
    Op.GNU_DEREF_TYPE: ("u1", "uleb"),
    Op.GNU_CONVERT: ("uleb",),
    Op.GNU_REINTERPRET: ("uleb",),
    Op.GNU_PARAMETER_REF: ("u4",),
    Op.GNU_ADDR_INDEX: ("uleb",),
    Op.GNU_CONST_INDEX: ("uleb",),
    Op.GNU_VARIABLE_VALUE: ("offset",),
    **{breg: ("sleb",) for breg in range(Op.BREG0, Op.BREG0 + 32)},
}
_PLAIN = (
    {op for op in vars(Op).values() if isinstance(op, int)}
    | set(range(Op.LIT0, Op.BREG0))
    | set(range(Op.BREG0, 0x90))
) - set(_OPERANDS)


def decode(
    data: bytes,
    pointer_size: int,
    byte_order: ByteOrder,
    *,
    offset_size: int = 4,
) -> list[Operation]:
    """Decode an expression; ``offset_size`` is 8 in 64-bit DWARF.

    Raises ``DecodeError`` for an unknown operation, whose length nobody can know,
    and for a cut one.
    """
    sizes = {"address": pointer_size, "offset": offset_size}
    operations: list[Operation] = []
    position = 0
    while position < len(data):
        start, atom = position, data[position]
        position += 1
        kinds = _OPERANDS.get(atom, ())
        if not kinds and atom not in _PLAIN:
            raise DecodeError(f"unknown DWARF operation {atom:#04x}")
        numbers: list[int] = []
        block = b""
        for kind in kinds:
            number, position = _operand(data, position, kind, sizes, byte_order)
            if kind.startswith("block"):
                block, position = _block(data, position, number)
            numbers.append(number)
        numbers += [0, 0]
        operations.append(Operation(atom, numbers[0], numbers[1], start, 0, block))
        if len(operations) > _OPERATION_LIMIT:
            raise DecodeError(f"expression of more than {_OPERATION_LIMIT} operations")
    return operations


def _operand(
    data: bytes,
    position: int,
    kind: str,
    sizes: dict[str, int],
    byte_order: ByteOrder,
) -> tuple[int, int]:
    if kind in ("uleb", "block"):
        return uleb128(data, position)
    if kind == "sleb":
        return sleb128(data, position)
    size = sizes.get(kind) or int(kind[-1])
    return fixed(data, position, size, byte_order, signed=kind.startswith("s"))


def _block(data: bytes, position: int, size: int) -> tuple[bytes, int]:
    if size > len(data) - position:
        raise DecodeError("block operand is cut")
    return bytes(data[position : position + size]), position + size
