"""Instructions that the processor refused."""

from __future__ import annotations

import struct

import pytest

from coresnap.analysis.classify.rules.execution import RULES
from coresnap.analysis.classify.verdict import judge

from ..cases import concluded
from ..faults import CODE, faulted

TABLE = {
    "ud2 in a function": ("0f0b", 4, 2, CODE, {"trap": "strong"}),
    "bytes that are none": ("06", 4, 2, CODE, {"illegal-instruction": "certain"}),
    "one that is known here": (
        "62f17c48584001",  # vaddps zmm0, zmm0, [rax + 64]
        4,
        2,
        CODE,
        {"illegal-instruction": "certain"},
    ),
    "hlt": ("f4", 11, 128, 0, {"privileged": "strong"}),
    "out": ("ee", 11, 128, 0, {"privileged": "strong"}),
    "int 0x55": ("cd55", 11, 128, 0, {"privileged": "strong"}),
    "a division by zero": ("f7f9", 8, 1, CODE, {"divide": "certain"}),
    "what does not divide": ("01c8", 8, 1, CODE, {}),
    "floating point": ("f20f5ec1", 8, 3, CODE, {"fpe.float": "certain"}),
    "into": ("90", 8, 2, CODE, {"fpe.integer": "certain"}),
    "a bad access": ("8b00", 11, 1, 0x1000, {}),
}


@pytest.mark.parametrize("what", TABLE)
def test_a_refused_instruction(what: str) -> None:
    code, number, signal_code, address, expected = TABLE[what]
    crash = faulted(code, number, signal_code, address, registers={"rcx": 0})
    assert concluded(crash, *RULES) == expected


def test_a_trap_outside_of_every_function_is_only_probably_one() -> None:
    crash = faulted("0f0b", 4, 2, CODE, functions=())
    assert concluded(crash, *RULES) == {"trap": "probable"}


def test_a_breakpoint_lies_before_the_pc() -> None:
    crash = faulted("cc", 5, 128, 0, registers={"rip": CODE + 1})
    assert concluded(crash) == {"trap": "certain"}
    assert crash.instruction is not None
    assert crash.instruction.address == CODE


def test_a_breakpoint_of_a_debugger_leaves_the_signal_alone() -> None:
    crash = faulted("9090", 5, 128, 0, registers={"rip": CODE + 1})
    found = judge(crash).classifiers
    assert [(c.name, c.rule) for c in found] == [("trap", "SignalName")]


def test_freebsd_calls_ud2_privileged_and_it_is_a_trap() -> None:
    crash = faulted("0f0b", 4, 5, CODE, system="FreeBSD")
    assert concluded(crash, *RULES) == {"trap": "strong"}
    crash = faulted("f4", 4, 5, CODE, system="FreeBSD")
    assert concluded(crash, *RULES) == {"privileged": "strong"}


@pytest.mark.parametrize(
    ("code", "registers", "contents", "words"),
    [
        ("f7f9", {"rcx": 0xFFFF_FFFF, "rax": 0x8000_0000}, {}, "divided by -1 "),
        ("f7f9", {"rcx": 0}, {}, "divided by zero"),
        ("f738", {"rax": 0x404000}, {0x404000: bytes(4)}, "divided by zero"),
        ("f738", {"rax": 0x404000}, {}, "or beyond what fits"),
    ],
)
def test_the_divisor_is_read(
    code: str, registers: dict[str, int], contents: dict[int, bytes], words: str
) -> None:
    crash = faulted(code, 8, 1, CODE, registers=registers, contents=contents)
    (found,) = judge(crash, RULES).classifiers
    assert words in found.summary


@pytest.mark.parametrize(
    ("number", "audit", "name"),
    [
        (257, 0xC000003E, "openat"),
        (222, 0xC00000B7, "mmap"),
        (11, 0x40000003, "execve"),
        (257 | 0x40000000, 0xC000003E, "openat"),
        (99999, 0xC000003E, "system call 99999"),
        (1, 0x123, "system call 1"),
    ],
)
def test_a_forbidden_system_call_has_its_name(
    number: int, audit: int, name: str
) -> None:
    union = struct.pack("<QII", CODE + 2, number, audit)
    crash = faulted("0f05", 31, 1, None, registers={"rip": CODE + 2}, union=union)
    (found,) = judge(crash, RULES).classifiers
    assert (found.name, found.confidence) == ("seccomp", "certain")
    assert found.summary.startswith(f"called {name}")
    assert crash.instruction is not None
    assert crash.instruction.text == "syscall"
