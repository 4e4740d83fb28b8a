"""Runs call frame instructions: from an FDE and a pc to the row of rules there.

DWARF 5, section 6.4.2 and 7.24; GNU and AArch64 extensions.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from coresnap.analysis.expression.numbers import (
    DecodeError,
    fixed,
    sleb128,
    uleb128,
)
from coresnap.analysis.unwind.cfi import Fde
from coresnap.analysis.unwind.pointer_encoding import PointerReader

__all__ = ["Row", "Rule", "RuleKind", "row_at"]

_REMEMBER_LIMIT = 256
_REGISTER_LIMIT = 1 << 17
_RA_SIGN_STATE = 34


class RuleKind(Enum):
    """How a register of the caller is found."""

    UNDEFINED = "undefined"
    SAME_VALUE = "same value"
    OFFSET = "at CFA + n"
    VAL_OFFSET = "is CFA + n"
    REGISTER = "in another register"
    EXPRESSION = "at the address that an expression gives"
    VAL_EXPRESSION = "is what an expression gives"


class Rule(msgspec.Struct, frozen=True, eq=False):
    """One cell of the table."""

    kind: RuleKind
    number: int = 0
    """Offset, or register number."""
    expression: bytes = b""


class Row(msgspec.Struct, eq=False):
    """The rules at one pc."""

    cfa_register: int = -1
    """-1: ``cfa_expression`` says."""
    cfa_offset: int = 0
    cfa_expression: bytes = b""
    rules: dict[int, Rule] = msgspec.field(default_factory=dict)
    signed_return_address: bool = False
    """AArch64: the return address carries a pointer authentication code."""

    def copy(self) -> Row:
        """A row that may change on its own."""
        return msgspec.structs.replace(self, rules=dict(self.rules))


def row_at(fde: Fde, pc: int, reader: PointerReader) -> Row:
    """The row that holds at link-time address ``pc``; raises ``DecodeError``."""
    cie = fde.cie
    machine = _Machine(fde, pc, reader)
    machine.run(cie.instructions)
    machine.initial = machine.row.copy()
    machine.location = fde.start
    machine.run(fde.instructions)
    return machine.row


class _Machine(msgspec.Struct, eq=False):
    fde: Fde
    pc: int
    reader: PointerReader
    row: Row = msgspec.field(default_factory=Row)
    initial: Row | None = None
    remembered: list[Row] = msgspec.field(default_factory=list)
    location: int = 0

    def run(self, code: bytes) -> None:
        position, size = 0, len(code)
        while position < size:
            opcode = code[position]
            position += 1
            high, low = opcode & 0xC0, opcode & 0x3F
            if high == 0x40:
                self.location += low * self.fde.cie.code_alignment
            elif high == 0x80:
                offset, position = uleb128(code, position)
                self._offset(low, offset * self.fde.cie.data_alignment)
            elif high == 0xC0:
                self._restore(low)
            elif low <= 0x04 and low:
                position = self._advance(code, position, low)
            elif low:
                position = self._extended(code, position, low)
            if self.location > self.pc:
                return

    def _advance(self, code: bytes, position: int, opcode: int) -> int:
        """DW_CFA_set_loc, advance_loc1, 2 and 4."""
        order, cie = self.reader.byte_order, self.fde.cie
        if opcode == 0x01:
            # Its operand is a pointer like pc_begin; a relative one would count from
            # its place in the section, which only absolute producers ever used.
            own = msgspec.structs.replace(self.reader, data=code, address=0)
            self.location, end = own.read(position, cie.pointer_encoding)
            return end
        size = {0x02: 1, 0x03: 2, 0x04: 4}[opcode]
        delta, end = fixed(code, position, size, order)
        self.location += delta * cie.code_alignment
        return end

    def _extended(self, code: bytes, position: int, opcode: int) -> int:
        if opcode == 0x0A:  # remember_state
            if len(self.remembered) >= _REMEMBER_LIMIT:
                raise DecodeError("call frame states nest too deeply")
            self.remembered.append(self.row.copy())
        elif opcode == 0x0B:  # restore_state
            if not self.remembered:
                raise DecodeError("call frame state restored, but never remembered")
            self.row = self.remembered.pop()
        elif opcode == 0x2D:  # AARCH64_negate_ra_state
            self.row.signed_return_address ^= True
        elif opcode == 0x2E:  # GNU_args_size
            _, position = uleb128(code, position)
        elif 0x0C <= opcode <= 0x0F or opcode in (0x12, 0x13):
            position = self._define_cfa(code, position, opcode)
        else:
            position = self._register_rule(code, position, opcode)
        return position

    def _define_cfa(self, code: bytes, position: int, opcode: int) -> int:
        row, factor = self.row, self.fde.cie.data_alignment
        if opcode == 0x0F:  # def_cfa_expression
            row.cfa_expression, position = _block(code, position)
            row.cfa_register = -1
            return position
        if opcode in (0x0C, 0x0D, 0x12):  # def_cfa, def_cfa_register, def_cfa_sf
            row.cfa_register, position = uleb128(code, position)
        if opcode in (0x0C, 0x0E):  # def_cfa, def_cfa_offset
            row.cfa_offset, position = uleb128(code, position)
        elif opcode in (0x12, 0x13):  # def_cfa_sf, def_cfa_offset_sf
            offset, position = sleb128(code, position)
            row.cfa_offset = offset * factor
        return position

    def _register_rule(self, code: bytes, position: int, opcode: int) -> int:
        register, position = uleb128(code, position)
        factor = self.fde.cie.data_alignment
        if opcode == 0x06:
            self._restore(register)
            return position
        if opcode in (0x05, 0x11, 0x2F):  # offset_extended, _sf, GNU_negative_
            read = sleb128 if opcode == 0x11 else uleb128
            offset, position = read(code, position)
            self._offset(register, offset * (-factor if opcode == 0x2F else factor))
            return position
        rule, position = _rule(code, position, opcode, factor)
        self._set(register, rule)
        return position

    def _offset(self, register: int, offset: int) -> None:
        self._set(register, Rule(RuleKind.OFFSET, offset))

    def _set(self, register: int, rule: Rule) -> None:
        if register > _REGISTER_LIMIT:
            raise DecodeError(f"register number {register}")
        self.row.rules[register] = rule
        if register == _RA_SIGN_STATE and rule.kind is RuleKind.VAL_EXPRESSION:
            # GCC's other way to say negate_ra_state: lit1 means signed.
            self.row.signed_return_address = rule.expression == b"\x31"

    def _restore(self, register: int) -> None:
        if self.initial is None:
            raise DecodeError("rule restored before there is one")
        rule = self.initial.rules.get(register)
        if rule is None:
            self.row.rules.pop(register, None)
        else:
            self.row.rules[register] = rule


def _rule(code: bytes, position: int, opcode: int, factor: int) -> tuple[Rule, int]:
    if opcode == 0x07:
        return Rule(RuleKind.UNDEFINED), position
    if opcode == 0x08:
        return Rule(RuleKind.SAME_VALUE), position
    if opcode == 0x09:
        register, position = uleb128(code, position)
        return Rule(RuleKind.REGISTER, register), position
    if opcode in (0x10, 0x16):
        kind = RuleKind.EXPRESSION if opcode == 0x10 else RuleKind.VAL_EXPRESSION
        block, position = _block(code, position)
        return Rule(kind, 0, block), position
    if opcode in (0x14, 0x15):
        read = sleb128 if opcode == 0x15 else uleb128
        offset, position = read(code, position)
        return Rule(RuleKind.VAL_OFFSET, offset * factor), position
    raise DecodeError(f"unknown call frame instruction {opcode:#04x}")


def _block(code: bytes, position: int) -> tuple[bytes, int]:
    size, position = uleb128(code, position)
    if size > len(code) - position:
        raise DecodeError("expression is cut")
    return code[position : position + size], position + size
