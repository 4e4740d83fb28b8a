"""Machines whose instructions are shown, and read as far as one operand goes."""

from __future__ import annotations

import pytest

from coresnap.analysis.instruction.disassembler import open_disassembler
from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.library import load_library
from coresnap.analysis.instruction.machine import Machine

from .assembling import architecture, disassembler


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("ppc64le", "0000 23f8", "std r1, 0(r3)"),
        ("s390x", "e310 2008 0024", "stg %r1, 8(%r2)"),
        ("riscv64", "03b5 8500", "ld a0, 8(a1)"),
        ("riscv64", "8865", "c.ld a0, 8(a1)"),
        ("m68k", "2028 0008", "move.l $8(a0), d0"),
        ("x32", "678b00", "mov eax, dword ptr [eax]"),
        ("arm", "0400 91e5", "ldr r0, [r1, #4]"),
    ],
)
def test_the_text_is_the_assemblers(name: str, code: str, text: str) -> None:
    found = disassembler(name).decode(bytes.fromhex(code), 0x1000)
    assert found is not None
    assert found.text == text


def accessed(name: str, code: str, *, thumb: bool = False) -> tuple[str, int, int]:
    known = architecture(name)
    found = open_disassembler(load_library(), known, thumb=thumb)
    assert found is not None
    decoded = found.decode(bytes.fromhex(code), 0x1000)
    assert decoded is not None
    registers = {number: 0x100 * number for number in range(32)}
    machine = Machine(known, registers)
    (one,) = family(machine).accesses(decoded, machine)
    assert one.address is not None
    return one.kind, one.width, one.address


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("040091e5", ("read", 4, 0x104)),  # ldr r0, [r1, #4]
        ("0200c1e7", ("write", 1, 0x300)),  # strb r0, [r1, r2]
        ("020141e7", ("write", 1, 0x100 - 0x800)),  # strb r0, [r1, -r2, lsl #2]
        ("040091e4", ("read", 4, 0x100)),  # ldr r0, [r1], #4
        ("b000d1e1", ("read", 2, 0x100)),  # ldrh r0, [r1]
        ("08009fe5", ("read", 4, 0x1010)),  # ldr r0, [pc, #8]
        ("9f0f91e1", ("read", 4, 0x100)),  # ldrex r0, [r1]
    ],
)
def test_arm(code: str, expected: tuple[str, int, int]) -> None:
    kind, width, address = accessed("arm", code)
    assert (kind, width, address) == (*expected[:2], expected[2] & 0xFFFF_FFFF)


def test_thumb() -> None:
    assert accessed("arm", "4868", thumb=True) == ("read", 4, 0x104)  # ldr r0, [r1, #4]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("03358500", ("read", 8, 0xA08)),  # ld a0, 8(a0)
        ("2330b5fe", ("write", 8, 0xA00 - 32)),  # sd a1, -32(a0)
        ("0345 0500", ("read", 1, 0xA00)),  # lbu a0, 0(a0)
        ("2f35b500", ("write", 8, 0xA00)),  # amoadd.d a0, a1, (a0)
        ("0c65", ("read", 8, 0xA08)),  # c.ld a1, 8(a0)
    ],
)
def test_riscv(code: str, expected: tuple[str, int, int]) -> None:
    assert accessed("riscv64", code) == expected


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("ppc64le", "080023f8", ("write", 8, 0x308)),  # std r1, 8(r3)
        ("ppc64le", "f8ff6380", ("read", 4, 0x300 - 8)),  # lwz r3, -8(r3)
        ("ppc64le", "d1ff21f8", ("write", 8, 0x100 - 48)),  # stdu r1, -48(r1)
        ("s390x", "e31020080024", ("write", 8, 0x208)),  # stg %r1, 8(%r2)
        ("s390x", "e31320080004", ("read", 8, 0x508)),  # lg %r1, 8(%r3, %r2)
        ("s390x", "922f1000", ("write", 1, 0x100)),  # mvi 0(%r1), 47
    ],
)
def test_power_and_s390x(name: str, code: str, expected: tuple[str, int, int]) -> None:
    assert accessed(name, code) == expected
