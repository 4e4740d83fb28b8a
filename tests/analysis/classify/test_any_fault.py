"""Faults of an attacker's choice, and such whose instruction cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.classify.catalogue import OF_FAULTS, rules
from coresnap.analysis.classify.verdict import judge
from coresnap.analysis.instruction import failed_instruction
from coresnap.analysis.instruction.library import Library

from .faults import faulted

WORDS = st.one_of(
    st.integers(0, (1 << 64) - 1),
    st.sampled_from([0, 1, 8, 0x401000, 1 << 47, (1 << 64) - 8, 0x5000_0000]),
)


@given(
    code=st.binary(min_size=0, max_size=16),
    signal=st.sampled_from([4, 5, 7, 8, 11, 31]),
    signal_code=st.sampled_from([1, 2, 3, 4, 5, 6, 9, 10, 128]),
    address=WORDS,
    registers=st.dictionaries(
        st.sampled_from(["rax", "rcx", "rdi", "rsp", "rbp", "rip", "fs.base"]), WORDS
    ),
    union=st.binary(max_size=32),
    stack=st.binary(max_size=64),
)
def test_no_rule_fails_on_any_fault(
    code: bytes,
    signal: int,
    signal_code: int,
    address: int,
    registers: dict[str, int],
    union: bytes,
    stack: bytes,
) -> None:
    crash = faulted(
        code.hex(),
        signal,
        signal_code,
        address,
        registers=registers,
        union=union,
        contents={registers.get("rsp", 0x7FFF_0000_1000) & (1 << 48) - 1: stack},
    )
    assert judge(crash).notes == ()
    for rule in rules(OF_FAULTS):
        for one in rule.apply(crash):
            assert one.name in rule.names
            assert one.confidence in rule.confidence
            assert one.evidence


def test_a_fault_without_it_still_has_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = Library(problem="it is gone")
    monkeypatch.setattr(failed_instruction, "load_library", lambda: gone)
    crash = faulted("8b00", 11, 1, 8, registers={"rax": 8})
    assert crash.instruction is None
    assert crash.fault is not None
    assert crash.fault.note is not None
    assert "install capstone" in crash.fault.note.message
    assert crash.fault_address == 8


def test_code_that_is_not_there_is_said_to_be_missing() -> None:
    crash = faulted("", 11, 1, 0x1234000, registers={"rip": 0x401800})
    assert crash.fault is not None
    assert crash.fault.note is not None
    assert "neither in the core nor here" in crash.fault.note.message
