"""The rules of docs/capture.md and the tests that attack them are the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "capture.md"
RULES = [f"R{number}" for number in range(1, 28)]


def table() -> dict[str, list[str]]:
    """Rule to the other cells of its row."""
    text = PAGE.read_text().partition("\n## Rules\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (R\d+) \| (.*) \|$", text, flags=re.MULTILINE)
    # `|` behind a backslash does not part cells.
    return {rule: re.split(r" (?<!\\)\| ", cells) for rule, cells in rows}


def functions() -> set[str]:
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        found |= set(re.findall(r"^def (test_r\d\d_\w+)", path.read_text(), re.M))
    return found


def test_every_rule_is_there_once_and_in_order() -> None:
    assert list(table()) == RULES


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_how_it_is_kept_and_names_tests_that_exist(rule: str) -> None:
    what, how, tests = table()[rule]
    assert what
    assert how
    names = re.findall(r"`(\w+)`", tests)
    assert names
    assert set(names) <= functions()
    assert all(name.startswith(f"test_r{int(rule[1:]):02d}_") for name in names)
