"""Regular expressions that may take for ever are refused; the others are not."""

from __future__ import annotations

import pytest

from coresnap.config.bounded_regex import LONGEST_TEXT, compile_bounded, found_in


@pytest.mark.parametrize(
    "pattern",
    [
        "^log_",
        r"^handle_(\w+)_v[0-9]+$",
        "(?:get|set)_value",
        r"[*+(|]+x",
        r"\(a\)*",
        r"[]*+]+b",
        r"[^]()]*b",
        "(a?b)?c",
    ],
)
def test_what_people_write_is_taken(pattern: str) -> None:
    assert compile_bounded(pattern).pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*b", "((a*)b)+", "(a{2,})*", "(?:x|y)+", "(.*)*", "([a-z]+)*$"],
)
def test_repeated_repetitions_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="may take for ever"):
        compile_bounded(pattern)


@pytest.mark.parametrize("pattern", ["", "(", "a" * 2000, "a*" * 20, r"(?P<n>"])
def test_what_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"has|is no"):
        compile_bounded(pattern)


def test_only_the_beginning_of_a_name_is_searched() -> None:
    pattern = compile_bounded("end")

    assert found_in(pattern, "x" * 9 + "end")
    assert not found_in(pattern, "x" * LONGEST_TEXT + "end")
