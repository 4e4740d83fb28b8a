"""Constant arguments, from machine code that compilers really write."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.messages.call_arguments import constant_arguments

from .memories import HEAP, dead

CALL = HEAP + 0x1000


def arguments(code: bytes, machine: str) -> dict[int, int]:
    """``code`` ends with the call."""
    memory = dead({CALL - len(code): code}).memory
    return constant_arguments(memory, machine, CALL)


def lea(prefix: bytes, target: int, behind: int) -> bytes:
    """``lea reg, [rip + d]``, ``behind`` bytes before the return address."""
    return prefix + struct.pack("<i", target - (CALL - behind))


def test_position_independent_code_of_x86_64() -> None:
    code = (
        lea(b"\x48\x8d\x0d", HEAP + 0x30, 24)
        + b"\xba\x2a\0\0\0"
        + lea(b"\x48\x8d\x35", HEAP + 0x20, 12)
        + lea(b"\x48\x8d\x3d", HEAP + 0x10, 5)
        + b"\xe8\0\0\0\0"
    )
    expected = {0: HEAP + 0x10, 1: HEAP + 0x20, 2: 42, 3: HEAP + 0x30}
    assert arguments(code, "x86-64") == expected


def test_code_of_x86_64_that_was_not_optimised() -> None:
    code = lea(b"\x48\x8d\x05", HEAP + 0x10, 8) + b"\x48\x89\xc7\xe8\0\0\0\0"
    assert arguments(code, "x86-64") == {0: HEAP + 0x10}


def test_position_dependent_code_of_x86_64() -> None:
    code = b"\xbf\x10\x20\x40\x00\xbe\x20\x20\x40\x00\xe8\0\0\0\0"
    assert arguments(code, "x86-64") == {0: 0x402010, 1: 0x402020}


def test_code_of_aarch64() -> None:
    page = CALL & ~0xFFF
    assert page == CALL
    words = (
        0xB0000000,  # adrp x0, page(CALL - 20) + 0x1000
        0x91004000,  # add x0, x0, #16
        0x52800542,  # mov w2, #42
        0xAA0003E1,  # mov x1, x0
        0x94000000,  # bl
    )
    code = struct.pack("<5I", *words)
    text = (CALL - 20 & ~0xFFF) + 0x1000 + 16
    assert arguments(code, "aarch64") == {0: text, 1: text, 2: 42}


@pytest.mark.parametrize("machine", ["riscv64", "i386", "m68k"])
def test_other_machines_have_none(machine: str) -> None:
    assert arguments(b"\xbf\x10\x20\x40\x00", machine) == {}


def test_code_that_is_not_there_has_none() -> None:
    memory = dead({}).memory
    assert constant_arguments(memory, "x86-64", 0x1000) == {}
    assert constant_arguments(memory, "x86-64", 5) == {}


@given(st.binary(max_size=96), st.sampled_from(["x86-64", "aarch64"]))
def test_no_code_makes_it_fail(code: bytes, machine: str) -> None:
    assert len(arguments(code, machine)) <= 8
