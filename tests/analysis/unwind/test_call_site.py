"""Return addresses follow a call: of every length, on every machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from coresnap.analysis.unwind.call_site import call_before, call_targets, follows_call
from coresnap.elfcore.elfheader import ByteOrder, ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import architecture_of

CODE = 0x1000


def follows(code: bytes, machine: int = 62, *, executable: bool = True) -> bool:
    data = b"\x90" * 12 + code
    loads = [ProgramHeader(1, 5, 0, CODE, len(data), len(data), 4096)]
    memory = Memory(memoryview(data), loads, 8, "little")
    architecture = architecture_of(machine, 8, "little")
    return follows_call(CODE + len(data), architecture, memory, lambda _: executable)


@pytest.mark.parametrize(
    "code",
    [
        b"\xe8\x01\x02\x03\x00",  # call rel32
        b"\xff\xd0",  # call rax
        b"\x41\xff\xd4",  # call r12
        b"\xff\x10",  # call [rax]
        b"\xff\x14\x24",  # call [rsp]
        b"\xff\x50\x08",  # call [rax+8]
        b"\xff\x54\x24\x08",  # call [rsp+8]
        b"\xff\x15\x01\x02\x03\x04",  # call [rip+…]
        b"\xff\x90\x00\x01\x00\x00",  # call [rax+0x100]
        b"\xff\x94\x24\x00\x01\x00\x00",  # call [rsp+0x100]
        b"\xff\x14\xc5\x00\x10\x40\x00",  # call [rax*8+…]
    ],
    ids=bytes.hex,
)
def test_every_form_of_call_is_seen(code: bytes) -> None:
    assert follows(code)


@pytest.mark.parametrize(
    "code",
    [
        b"\x90" * 8,
        b"\xe9\x01\x02\x03\x00",  # jmp rel32
        b"\xff\xe0",  # jmp rax
        b"\xff\x60\x08",  # jmp [rax+8]
        b"\xff\xd0\x90",  # call rax; nop
        b"\xff\x50\x08\x90",
    ],
    ids=bytes.hex,
)
def test_other_instructions_are_not_calls(code: bytes) -> None:
    assert not follows(code)


def test_a_relative_call_must_lead_to_code() -> None:
    assert not follows(b"\xe8\x01\x02\x03\x00", executable=False)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0x94000010, True),  # bl
        (0xD63F0100, True),  # blr x8
        (0xD73F0A11, True),  # blraa x16, x17
        (0xD61F0BFF, False),  # braaz: no link
        (0x14000010, False),  # b
        (0xD61F0100, False),  # br x8
        (0xD65F03C0, False),  # ret
    ],
)
def test_branches_with_link_are_calls(word: int, expected: bool) -> None:
    assert follows(word.to_bytes(4, "little"), 183) is expected


def test_code_that_is_not_there_is_no_call() -> None:
    memory = Memory(memoryview(b""), [], 8, "little")
    for machine in (62, 183, 22):
        architecture = architecture_of(machine, 8, "little")
        assert not follows_call(0x1000, architecture, memory, lambda _: True)


@pytest.mark.compiler
def test_the_assembler_agrees(tmp_path: Path) -> None:
    source = tmp_path / "calls.s"
    calls = ["*%rcx", "*%r15", "*(%r9)", "*8(%rbp)", "*16(%r12,%rax,4)", "*g(%rip)"]
    source.write_text("".join(f" call {call}\n .skip 9, 0x90\n" for call in calls))
    subprocess.run(["cc", "-c", source, "-o", tmp_path / "a.o"], check=True)
    subprocess.run(
        ["objcopy", "-O", "binary", "-j", ".text", tmp_path / "a.o", tmp_path / "a"],
        check=True,
    )
    code = (tmp_path / "a").read_bytes()
    pieces = [piece for piece in code.split(b"\x90" * 9) if piece]
    assert len(pieces) == len(calls)
    assert all(follows(piece) for piece in pieces)


# One call of each kind per machine, as GNU as writes it, and where it goes from CODE.
FOREIGN_CALLS = [
    (40, 4, "little", "feffffeb", CODE),  # A32 bl .
    (40, 4, "little", "33ff2fe1", None),  # A32 blx r3
    (40, 4, "little", "fff7feff", CODE),  # T32 bl .
    (40, 4, "little", "98479847", None),  # T32 blx r3, twice
    (243, 8, "little", "130000000000000097000000e7800000", CODE + 8),  # auipc, jalr ra
    (243, 8, "little", "1300000013000000ef000000", CODE + 8),  # jal ra, .
    (243, 8, "little", "130000001300000001000294", None),  # c.nop; c.jalr
    (21, 8, "little", "01000048", CODE),  # bl .
    (21, 8, "little", "2104804e", None),  # bctrl
    (22, 8, "big", "c0e500000000", CODE),  # brasl r14, .
    (22, 8, "big", "070707070de1", None),  # basr r14, r1
]


@pytest.mark.parametrize(
    ("machine", "size", "order", "code", "target"),
    FOREIGN_CALLS,
    ids=[f"{call[0]}-{call[3]}" for call in FOREIGN_CALLS],
)
def test_calls_of_other_machines_are_seen_with_their_targets(
    machine: int,
    size: int,
    order: ByteOrder,
    code: str,
    target: int | None,
) -> None:
    data = bytes.fromhex(code)
    padded = data + bytes(64)
    loads = [ProgramHeader(1, 5, 0, CODE, len(padded), len(padded), 4096)]
    memory = Memory(memoryview(padded), loads, size, order)
    arch = architecture_of(machine, size, order)
    call = call_before(CODE + len(data), arch, memory)
    assert call is not None
    assert call.target == target
    # An address that no call precedes.
    assert call_before(CODE + len(data) + 32, arch, memory) is None
    found = set(call_targets(CODE, len(data), arch, memory))
    assert found == ({target} if target is not None else set())
