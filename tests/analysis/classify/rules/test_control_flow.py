"""Jumps, calls and returns to what is no code."""

from __future__ import annotations

from coresnap.analysis.classify.rules.control_flow import RULES
from coresnap.analysis.classify.verdict import judge

from ..cases import concluded
from ..faults import faulted

STACK, HEAP, NOWHERE = 0x7FFF_0001_0000, 0x5000_0100, 0x1234_5678_9000
CALLED = 0x401100


def word(value: int) -> bytes:
    return value.to_bytes(8, "little")


def test_a_call_of_nowhere_is_a_wild_jump_with_its_caller() -> None:
    crash = faulted(
        "",
        11,
        1,
        NOWHERE,
        registers={"rip": NOWHERE, "rsp": STACK, "rax": NOWHERE},
        contents={CALLED - 2: b"\xff\xd0\x90", STACK: word(CALLED)},
    )
    assert concluded(crash, *RULES) == {"wild-jump": "strong", "security": "probable"}
    found = judge(crash, RULES).classifiers[0]
    assert f"called it by call rax at {CALLED - 2:#x}" in found.evidence


def test_the_slot_that_a_target_came_from_is_named() -> None:
    slot = 0x404010
    crash = faulted(
        "",
        11,
        1,
        NOWHERE,
        registers={"rip": NOWHERE, "rsp": STACK, "rbx": slot - 0x10},
        contents={
            CALLED - 3: b"\xff\x53\x10",  # call [rbx + 16]
            STACK: word(CALLED),
            slot: word(NOWHERE),
        },
    )
    found = judge(crash, RULES).classifiers[0]
    assert found.name == "wild-jump"
    assert found.evidence[-1].endswith(f"from {slot:#x}")


def test_a_return_to_nowhere_has_left_its_address_below_the_stack_pointer() -> None:
    crash = faulted(
        "",
        11,
        1,
        NOWHERE,
        registers={"rip": NOWHERE, "rsp": STACK},
        contents={STACK - 8: word(NOWHERE) + word(0)},
    )
    assert concluded(crash, *RULES) == {
        "return-corrupted": "strong",
        "security": "probable",
    }


def test_behind_a_return_address_it_may_have_been_a_tail_call() -> None:
    crash = faulted(
        "",
        11,
        1,
        NOWHERE,
        registers={"rip": NOWHERE, "rsp": STACK},
        contents={
            CALLED - 5: bytes.fromhex("e800000000"),  # a call of something else
            STACK - 8: word(NOWHERE) + word(CALLED),
        },
    )
    assert concluded(crash, *RULES)["return-corrupted"] == "probable"


def test_what_may_be_a_return_address_makes_a_return_less_sure() -> None:
    crash = faulted(
        "",
        11,
        1,
        NOWHERE,
        registers={"rip": NOWHERE, "rsp": STACK},
        contents={STACK - 8: word(NOWHERE) + word(CALLED)},
    )
    assert concluded(crash, *RULES)["return-corrupted"] == "probable"


def test_a_return_to_text_fails_as_itself_and_shows_the_text() -> None:
    crash = faulted(
        "c3", 11, 128, 0, registers={"rsp": STACK}, contents={STACK: b"aaaaaaaa"}
    )
    found = judge(crash, RULES).classifiers[0]
    assert found.name == "return-corrupted"
    assert "its bytes are the text 'aaaaaaaa'" in found.evidence


def test_data_that_was_to_be_executed_is_security_nx() -> None:
    crash = faulted("", 11, 2, HEAP, registers={"rip": HEAP, "rsp": STACK})
    names = concluded(crash, *RULES)
    assert names["security.nx"] == "strong"
    assert names["wild-jump"] == "strong"


def test_a_null_call_is_no_matter_of_security() -> None:
    crash = faulted("", 11, 1, 0, registers={"rip": 0, "rsp": STACK})
    assert concluded(crash, *RULES) == {}


def test_a_return_of_aarch64_leaves_its_target_in_the_link_register() -> None:
    def crash(link: int) -> dict[str, str]:
        registers = {"pc": NOWHERE, "sp": STACK, "x30": link, "x3": NOWHERE}
        called = {CALLED - 4: bytes.fromhex("60003fd6")}  # blr x3
        return concluded(
            faulted(
                "",
                11,
                1,
                NOWHERE,
                registers=registers,
                contents=called,
                architecture="aarch64",
            ),
            *RULES,
        )

    assert "return-corrupted" in crash(NOWHERE)
    assert "wild-jump" in crash(CALLED)


def test_bad_data_is_no_jump() -> None:
    crash = faulted("8b00", 11, 1, NOWHERE, registers={"rax": NOWHERE})
    assert concluded(crash, *RULES) == {}
