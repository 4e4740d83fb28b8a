"""Call frame instructions: the row that holds at each pc."""

from __future__ import annotations

import contextlib

import pytest
from cfiwriter import ABSOLUTE, Frames, Function, sleb, uleb
from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.unwind.cfi import CallFrameSection, Fde
from coresnap.analysis.unwind.pointer_encoding import PointerReader
from coresnap.analysis.unwind.rules import Row, Rule, RuleKind, row_at

START = 0x1000


def section_of(frames: Frames, *, debug: bool = False) -> CallFrameSection:
    data = frames.debug_frame() if debug else frames.eh_frame(frames.address)[0]
    address = 0 if debug else frames.address
    reader = PointerReader(data, address, 8, "little")
    return CallFrameSection(reader, 0, len(data), debug=debug)


def row(code: bytes, at: int = 0, initial: bytes | None = None) -> Row:
    function = Function(START, 0x1000, code)
    frames = Frames(0x8000, [function])
    if initial is not None:
        frames = Frames(0x8000, [function], initial)
    section = section_of(frames)
    ((start, end, position),) = section.index
    assert (start, end) == (START, START + 0x1000)
    fde: Fde = section.fde_at(position)
    return row_at(fde, START + at, section.reader)


Plain = tuple[RuleKind, int, bytes]


def rule(kind: RuleKind, number: int = 0, expression: bytes = b"") -> Plain:
    return kind, number, expression


def plain(rule: Rule) -> Plain:
    return rule.kind, rule.number, rule.expression


def test_rules_change_as_the_location_advances() -> None:
    push = bytes([0x41, 0x0E, 16, 0x80 | 6, 2])  # at +1: CFA rsp+16, rbp at CFA-16
    move = bytes([0x43, 0x0D, 6])  # at +4: CFA by rbp
    pop = bytes([0x02, 200, 0x0C, 7, 8])  # at +204: CFA rsp+8
    code = push + move + pop
    expected = [
        (0, 7, 8),
        (1, 7, 16),
        (3, 7, 16),
        (4, 6, 16),
        (203, 6, 16),
        (204, 7, 8),
    ]
    for at, register, offset in expected:
        found = row(code, at)
        assert (found.cfa_register, found.cfa_offset) == (register, offset), at
    assert 6 not in row(code, 0).rules
    assert plain(row(code, 1).rules[6]) == rule(RuleKind.OFFSET, -16)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (bytes([0x83, 2]), rule(RuleKind.OFFSET, -16)),
        (bytes([0x05, 3, 2]), rule(RuleKind.OFFSET, -16)),
        (bytes([0x11, 3]) + sleb(-2), rule(RuleKind.OFFSET, 16)),
        (bytes([0x2F, 3, 2]), rule(RuleKind.OFFSET, 16)),
        (bytes([0x14, 3, 2]), rule(RuleKind.VAL_OFFSET, -16)),
        (bytes([0x15, 3]) + sleb(-1), rule(RuleKind.VAL_OFFSET, 8)),
        (bytes([0x07, 3]), rule(RuleKind.UNDEFINED)),
        (bytes([0x08, 3]), rule(RuleKind.SAME_VALUE)),
        (bytes([0x09, 3, 12]), rule(RuleKind.REGISTER, 12)),
        (bytes([0x10, 3, 2, 0x77, 8]), rule(RuleKind.EXPRESSION, 0, b"\x77\x08")),
        (bytes([0x16, 3, 1, 0x35]), rule(RuleKind.VAL_EXPRESSION, 0, b"\x35")),
    ],
)
def test_each_kind_of_rule(code: bytes, expected: Plain) -> None:
    assert plain(row(code).rules[3]) == expected


@pytest.mark.parametrize(
    ("code", "register", "offset"),
    [
        (bytes([0x0C, 3]) + uleb(1000), 3, 1000),
        (bytes([0x0E, 32]), 7, 32),
        (bytes([0x0D, 12]), 12, 8),
        (bytes([0x12, 3]) + sleb(-4), 3, 32),
        (bytes([0x13]) + sleb(-5), 7, 40),
    ],
)
def test_each_way_to_define_the_cfa(code: bytes, register: int, offset: int) -> None:
    found = row(code)
    assert (found.cfa_register, found.cfa_offset) == (register, offset)


def test_the_cfa_may_be_an_expression() -> None:
    found = row(bytes([0x0F, 2, 0x77, 8]))
    assert (found.cfa_register, found.cfa_expression) == (-1, b"\x77\x08")


def test_remembered_rows_come_back_whole() -> None:
    code = bytes([0x0A, 0x0E, 99, 0x83, 2, 0x0B])
    found = row(code)
    assert (found.cfa_offset, 3 in found.rules) == (8, False)


def test_restore_gives_back_the_rule_of_the_cie() -> None:
    initial = bytes([0x0C, 7, 8, 0x90, 1, 0x83, 5])
    assert plain(row(bytes([0x83, 2, 0xC3]), 0, initial).rules[3]) == rule(
        RuleKind.OFFSET, -40
    )
    assert plain(row(bytes([0x83, 2, 0x06, 3]), 0, initial).rules[3]) == rule(
        RuleKind.OFFSET, -40
    )
    assert 12 not in row(bytes([0x8C, 2, 0xCC])).rules


def test_signed_return_addresses_are_noticed() -> None:
    assert row(bytes([0x2D])).signed_return_address
    assert not row(bytes([0x2D, 0x2D])).signed_return_address
    assert row(bytes([0x16, 34, 1, 0x31])).signed_return_address


def test_what_has_no_effect_here_is_skipped() -> None:
    found = row(bytes([0x00, 0x2E, 0x80, 0x01, 0x0E, 24]))
    assert found.cfa_offset == 24


def test_set_loc_jumps_to_an_absolute_address() -> None:
    code = bytes([0x01]) + (START + 8).to_bytes(8, "little") + bytes([0x0E, 24])
    frames = Frames(0, [Function(START, 16, code)], b"", b"", ABSOLUTE, 3)
    section = section_of(frames, debug=True)
    fde = section.fde_at(section.index[0][2])
    assert row_at(fde, START + 7, section.reader).cfa_offset == 0
    assert row_at(fde, START + 8, section.reader).cfa_offset == 24


@pytest.mark.parametrize(
    "code",
    [
        bytes([0x0B]),
        bytes([0x0A] * 300),
        bytes([0x3F]),
        bytes([0x0F, 0x7F, 1]),
        bytes([0x10, 3, 0x70, 1]),
        bytes([0x0E, 0x80, 0x80]),
        bytes([0x04, 1]),
        bytes([0x07]) + uleb(1 << 60),
    ],
    ids=repr,
)
def test_damaged_instructions_are_refused(code: bytes) -> None:
    with pytest.raises(DecodeError):
        row(code)


@given(st.binary(max_size=64), st.integers(0, 0x1000))
@settings(max_examples=500)
def test_no_instructions_make_it_fail_otherwise(code: bytes, at: int) -> None:
    with contextlib.suppress(DecodeError):
        row(code, at)
