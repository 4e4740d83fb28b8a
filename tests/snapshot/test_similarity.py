"""Stacks are near each other by what they share, rare and inner frames first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.snapshot.similarity import Rarity, compare

STACKS = st.lists(st.sampled_from("abcdefg"), max_size=12)


@given(STACKS, STACKS, st.lists(STACKS, max_size=4))
def test_the_distance_is_symmetric_between_0_and_1_and_the_sum_of_its_steps(
    one: list[str], other: list[str], known: list[list[str]]
) -> None:
    rarity = Rarity(known)
    there, back = compare(one, other, rarity), compare(other, one, rarity)

    assert 0 <= there.distance <= 1
    assert there.distance == pytest.approx(back.distance)
    assert sum(step.cost for step in there.steps) == pytest.approx(there.distance)
    assert [s.frame for s in there.steps if s.one is not None] == one
    assert [s.frame for s in there.steps if s.other is not None] == other


@given(STACKS)
def test_a_stack_is_nearest_to_itself(stack: list[str]) -> None:
    assert compare(stack, stack).distance == 0


def test_stacks_without_a_common_frame_are_farthest() -> None:
    assert compare(["a", "b"], ["c", "d"]).distance == 1


def test_a_difference_far_out_says_less_than_one_at_the_fault() -> None:
    stack = ["fault", "parse", "serve", "main"]
    outer = compare(stack, ["fault", "parse", "serve", "other"])
    inner = compare(stack, ["other", "parse", "serve", "main"])

    assert outer.distance < inner.distance


def test_a_rare_frame_in_common_says_more_than_one_that_all_have() -> None:
    rarity = Rarity([["x", "main"], ["y", "main"], ["z", "main"], ["rare", "main"]])
    rare = compare(["a", "rare"], ["b", "rare"], rarity)
    common = compare(["a", "main"], ["b", "main"], rarity)

    assert rare.distance < common.distance


def test_a_frame_put_between_moves_the_rest_a_little() -> None:
    stack = ["fault", "parse", "serve", "main"]
    moved = compare(stack, ["fault", "between", "parse", "serve", "main"])

    assert 0 < moved.distance < 0.3
    assert [(s.frame, s.one, s.other) for s in moved.steps if s.one is None] == [
        ("between", None, 1)
    ]
