"""Flipped bits, and faults that do not fit their instruction."""

from __future__ import annotations

from coresnap.analysis.classify.rules.doubts import RULES

from ..cases import concluded
from ..faults import CODE, faulted

LOAD = "8b00"  # mov eax, [rax]
HEAP = 0x5000_0100


def test_a_high_bit_of_a_pointer_that_others_share_may_have_flipped() -> None:
    flipped = HEAP | 1 << 62
    registers = {"rax": flipped, "rbx": HEAP + 64, "rdi": HEAP - 32}
    crash = faulted(LOAD, 11, 128, 0, registers=registers)
    assert concluded(crash, *RULES) == {"bit-flip": "hint"}


def test_a_bad_pointer_far_from_any_other_is_no_flip() -> None:
    crash = faulted(LOAD, 11, 1, 0x1234_5678_9000, registers={"rax": 0x1234_5678_9000})
    assert concluded(crash, *RULES) == {}


def test_an_index_too_far_is_no_flip() -> None:
    address = 0x5002_1000 + 8
    registers = {"rax": address, "rbx": address - 0x1000}
    crash = faulted(LOAD, 11, 1, address, registers=registers)
    assert concluded(crash, *RULES) == {}


def test_an_access_that_the_map_allows_is_inconsistent() -> None:
    crash = faulted(LOAD, 11, 2, HEAP, registers={"rax": HEAP})
    assert concluded(crash, *RULES) == {"inconsistent": "hint"}


def test_an_address_that_no_operand_has_is_inconsistent() -> None:
    crash = faulted(LOAD, 11, 1, 0x1234000, registers={"rax": HEAP})
    assert concluded(crash, *RULES) == {"inconsistent": "hint"}


def test_a_divide_error_of_what_does_not_divide_is_inconsistent() -> None:
    assert concluded(faulted("01c8", 8, 1, CODE), *RULES) == {"inconsistent": "hint"}


def test_operands_that_are_not_known_contradict_nothing() -> None:
    crash = faulted(LOAD, 11, 1, 0x1234000)
    assert concluded(crash, *RULES) == {}
