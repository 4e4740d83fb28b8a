"""ARM's exception index: entries as the assembler writes them, and what they do."""

from __future__ import annotations

import pytest

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.unwind.exidx import ExceptionIndex, compile_entry
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory

TABLE, STACK = 0x10000, 0x80000
SP, LR, PC = 13, 14, 15


def memory_of(*words: int, address: int = TABLE) -> Memory:
    data = b"".join(word.to_bytes(4, "little") for word in words)
    load = ProgramHeader(1, 5, 0, address, len(data), len(data), 4096)
    return Memory(memoryview(data), [load], 4, "little")


def relative(place: int, target: int) -> int:
    return target - place & 0x7FFFFFFF


def leave(code: str, *, words: list[int], **known: int) -> dict[int, int]:
    memory = memory_of(*words, address=STACK)
    registers = {SP: STACK, LR: 0x5001, **{int(k[1:]): v for k, v in known.items()}}
    apply = compile_entry(bytes.fromhex(code), memory, 0xFFFFFFFE)
    return apply(registers, True)[1]


def test_entries_are_found_by_address_inline_and_in_their_table() -> None:
    memory = memory_of(
        *(relative(TABLE, 0x8000), 0x80A8B0B0),
        *(relative(TABLE + 8, 0x8100), 1),
        *(relative(TABLE + 16, 0x8200), relative(TABLE + 20, TABLE + 32)),
        *(relative(TABLE + 24, 0x8300), relative(TABLE + 28, TABLE + 40)),
        *(0x8101B0AA, 0x01020304),
        *(relative(TABLE + 40, 0x9000), 0x01ABCDEF, 0x05060708),
    )
    index = ExceptionIndex(memory, TABLE, 4)
    assert index.find(0x7FFF) is None
    assert index.find(0x8004) == bytes.fromhex("a8b0b0")
    assert index.find(0x8150) is None
    assert index.find(0x8200) == bytes.fromhex("b0aa01020304")
    assert index.find(0x9000) == bytes.fromhex("abcdef05060708")


def test_a_cut_table_is_an_error() -> None:
    with pytest.raises(DecodeError):
        ExceptionIndex(memory_of(0), TABLE, 1).find(0xFFFFFFFF)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("b0", {SP: STACK, PC: 0x5000}),
        ("00", {SP: STACK + 4, PC: 0x5000}),
        ("02a8b0", {4: 13, SP: STACK + 20, PC: 14}),
        ("8408b0", {7: 10, SP: STACK + 8, PC: 10}),
        ("978408b0", {7: 12, SP: STACK + 16, PC: 12}),
        ("b204b0", {SP: STACK + 0x214, PC: 0x5000}),
        ("b9b0", {SP: STACK + 20, PC: 0x5000}),
        ("d1b0", {SP: STACK + 16, PC: 0x5000}),
    ],
)
def test_instructions_move_the_stack_pointer_and_pop(
    code: str, expected: dict[int, int]
) -> None:
    words = list(range(10, 40))
    found = leave(code, words=words, r7=STACK + 8)
    assert {k: found[k] for k in expected} == expected


@pytest.mark.parametrize("code", ["8000", "9f", "b1", "ff", "b2"])
def test_what_cannot_be_is_an_error(code: str) -> None:
    with pytest.raises((ExpressionError, DecodeError)):
        leave(code, words=[0] * 8)
