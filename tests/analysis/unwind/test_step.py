"""Compiled rows: every kind of rule applied to registers and memory."""

from __future__ import annotations

import pytest

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.unwind.rules import Row, Rule, RuleKind
from coresnap.analysis.unwind.step import Registers, compile_row
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture, architecture_of
from coresnap.errors import MemoryReadError

STACK = 0x7000
WORDS = [0x100 + n for n in range(32)]
X86_64 = architecture_of(62, 8, "little")
AARCH64 = architecture_of(183, 8, "little")
S390X = architecture_of(22, 8, "big")
RETURN = Rule(RuleKind.OFFSET, -8)


def apply(
    row: Row, registers: Registers, arch: Architecture = X86_64, *, full: bool = True
) -> tuple[int, Registers, bool]:
    data = b"".join(word.to_bytes(8, arch.byte_order) for word in WORDS)
    load = ProgramHeader(1, 6, 0, STACK, len(data), len(data), 4096)
    memory = Memory(memoryview(data), [load], 8, arch.byte_order)
    column = {62: 16, 183: 30, 22: 14}[arch.machine]
    return compile_row(row, column, arch, memory)(registers, full)


def test_a_call_keeps_what_the_callee_must_keep() -> None:
    row = Row(7, 16, rules={16: RETURN, 3: Rule(RuleKind.OFFSET, -16)})
    cfa, caller, more = apply(row, {7: STACK, 16: 1, 0: 5, 6: 66, 12: 77, 17: 1 << 100})
    assert cfa == STACK + 16
    assert caller == {7: STACK + 16, 16: 0x101, 3: 0x100, 6: 66, 12: 77}
    assert not more


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(RuleKind.OFFSET, 8), 0x103),
        (Rule(RuleKind.VAL_OFFSET, 8), STACK + 24),
        (Rule(RuleKind.REGISTER, 0), 5),
        (Rule(RuleKind.REGISTER, 1), None),
        (Rule(RuleKind.SAME_VALUE), 66),
        (Rule(RuleKind.UNDEFINED), None),
        (Rule(RuleKind.EXPRESSION, 0, b"\x08\x08\x22"), 0x103),
        (Rule(RuleKind.VAL_EXPRESSION, 0, b"\x70\x03"), 8),
    ],
    ids=str,
)
def test_each_kind_of_rule(rule: Rule, expected: int | None) -> None:
    row = Row(7, 16, rules={16: RETURN, 6: rule})
    _, caller, _ = apply(row, {7: STACK, 16: 1, 0: 5, 6: 66})
    assert caller.get(6) == expected


def test_the_cfa_may_come_from_an_expression() -> None:
    row = Row(-1, 0, b"\x77\x20", {16: RETURN})
    cfa, caller, _ = apply(row, {7: STACK, 16: 1})
    assert (cfa, caller[16]) == (STACK + 32, 0x103)


def test_more_than_a_call_preserves_is_said() -> None:
    row = Row(7, 16, rules={16: RETURN, 0: Rule(RuleKind.OFFSET, 0)})
    _, caller, more = apply(row, {7: STACK, 16: 1})
    assert (caller[0], more) == (0x102, True)


@pytest.mark.parametrize(
    "row",
    [
        Row(12, 16, rules={16: RETURN}),
        Row(7, 16),
        Row(-1, 0, b"", {16: RETURN}),
        Row(7, 16, rules={16: Rule(RuleKind.REGISTER, 9)}),
    ],
)
def test_what_is_lost_is_an_error_and_no_number(row: Row) -> None:
    with pytest.raises(ExpressionError):
        apply(row, {7: STACK, 16: 1})


def test_memory_that_is_not_there_is_an_error() -> None:
    with pytest.raises(MemoryReadError):
        apply(Row(7, 4096, rules={16: RETURN}), {7: STACK, 16: 1})


def test_the_link_register_serves_a_leaf() -> None:
    _, caller, _ = apply(Row(31, 0), {31: STACK, 32: 1, 30: 0x4444, 29: 9}, AARCH64)
    assert (caller[32], caller[31], caller[29]) == (0x4444, STACK, 9)
    assert 30 not in caller


def test_signed_return_addresses_are_stripped() -> None:
    row = Row(31, 16, signed_return_address=True)
    registers = {31: STACK, 32: 1, 30: 0x00B2_0000_0040_1234}
    _, caller, _ = apply(row, registers, AARCH64)
    assert caller[32] == 0x401234


def test_on_s390x_the_stack_pointer_is_restored_and_not_the_cfa() -> None:
    row = Row(
        15, 160, rules={15: Rule(RuleKind.OFFSET, -160), 14: Rule(RuleKind.REGISTER, 2)}
    )
    cfa, caller, _ = apply(row, {15: STACK, 65: 1, 2: 0x5555}, S390X)
    assert (cfa, caller[15], caller[65]) == (STACK + 160, 0x100, 0x5555)
