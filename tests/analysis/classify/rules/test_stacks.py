"""Stacks that ran full, and accesses that only look like it."""

from __future__ import annotations

import pytest

from coresnap.analysis.classify.rules.stacks import RULES
from coresnap.analysis.classify.verdict import judge
from coresnap.model import Mapping

from ..cases import MAPPINGS, concluded
from ..faults import faulted

PUSH, STORE = "55", "c60001"  # push rbp; mov byte ptr [rax], 1
START, END = 0x7FFF_0000_0000, 0x7FFF_0002_1000
LIMITS = b"Limit                     Soft Limit           Hard Limit\n"


def pushed(sp: int, assets: dict[str, bytes]) -> dict[str, str]:
    crash = faulted(PUSH, 11, 1, sp - 8, registers={"rsp": sp}, assets=assets)
    return concluded(crash, *RULES)


def test_a_push_below_the_main_stack_is_an_overflow() -> None:
    assert pushed(START, {}) == {"stack-overflow": "strong"}


def test_the_limit_that_was_captured_has_to_be_reached() -> None:
    def limited(size: int) -> dict[str, str]:
        text = LIMITS + f"Max stack size            {size}   unlimited bytes\n".encode()
        return pushed(START, {"process/limits": text})

    assert limited(END - START) == {"stack-overflow": "strong"}
    assert limited(1 << 23) == {}


def test_a_large_frame_reaches_far_below() -> None:
    sp = START - (16 << 20)
    crash = faulted(
        "c6442408aa", 11, 1, sp + 8, registers={"rsp": sp}
    )  # mov byte ptr [rsp + 8], 0xaa
    assert concluded(crash, *RULES) == {"stack-overflow": "strong"}


def test_a_wild_pointer_below_the_stack_is_none() -> None:
    address = START - 0x100000
    registers = {"rax": address, "rsp": START + 0x10000}
    crash = faulted(STORE, 11, 1, address, registers=registers)
    assert concluded(crash, *RULES) == {}


def guarded(address: int, sp: int) -> dict[str, str]:
    base = 0x7F00_0000_0000
    stack = (
        Mapping(base, base + 0x1000, "---"),
        Mapping(base + 0x1000, base + 0x801000, "rw-"),
    )
    crash = faulted(
        STORE,
        11,
        2,
        base + address,
        registers={"rax": base + address, "rsp": base + sp},
        mappings=(*MAPPINGS, *stack),
    )
    return concluded(crash, *RULES)


def test_the_guard_page_of_a_thread_is_hit_with_the_stack_pointer_at_it() -> None:
    assert guarded(0xF00, 0xF10) == {"stack-overflow": "strong"}
    assert guarded(0xF00, 0x1100) == {"stack-overflow": "strong"}


def test_another_pointer_into_a_guard_page_is_none() -> None:
    assert guarded(0xF00, 0x700000) == {}


@pytest.mark.parametrize(
    ("functions", "cycle"),
    [
        (["walk"] * 5, "walk"),
        (["leaf", "b", "a", "b", "a", "b", "a", "main"], "a and b|b and a"),
        (["a", "b", "c"] * 2, ""),
        (["a", "b", "c", "d", "main"], ""),
    ],
)
def test_the_cycle_that_filled_the_stack_is_recursion(
    functions: list[str], cycle: str
) -> None:
    crash = faulted(
        PUSH, 11, 1, START - 8, registers={"rsp": START}, functions=functions
    )
    found = judge(crash, RULES).classifiers
    told = [c.summary for c in found if c.name == "recursion"]
    assert len(told) == bool(cycle)
    if cycle:
        assert any(words in told[0] for words in cycle.split("|"))


def test_a_deep_stack_that_is_not_full_is_no_recursion() -> None:
    crash = faulted("8b00", 11, 1, 0x1000, functions=["walk"] * 50)
    assert concluded(crash, *RULES) == {}
