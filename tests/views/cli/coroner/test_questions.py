"""What is asked on a terminal before several things are changed or removed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from .bench import Answer, Coroner, group

EX_USAGE = 2
Typed = Callable[[str], None]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """Makes standard input a terminal on which something has been typed."""
    master, slave = os.openpty()
    with open(slave) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)

        def write(text: str) -> None:
            os.write(master, text.encode())

        yield write
    os.close(master)


def count(coroner: Coroner) -> int:
    return len(coroner.run("export", "blackhole").splitlines())


def delete(coroner: Coroner, *words: str) -> Answer:
    return coroner.answer(
        "delete", "blackhole", "--filter=timestamp>=1970-01-01", *words
    )


def test_several_are_removed_only_after_a_yes(coroner: Coroner, typed: Typed) -> None:
    coroner.put(1)
    coroner.put(2)
    for word in ("\n", "n\n", "no\n", "yep\n", "\x04"):
        typed(word)
        refused = delete(coroner, "--all")
        assert refused.code == EX_USAGE
        assert "Remove 2 faults as a whole? [y/N] " in refused.error
        assert "nothing was removed" in refused.error
        assert refused.output == ""
    assert count(coroner) == 2

    typed("Y\n")
    assert delete(coroner, "--all").output == "2 faults removed\n"
    assert count(coroner) == 0


def test_one_is_removed_without_a_question(coroner: Coroner, typed: Typed) -> None:
    coroner.put(1)
    assert delete(coroner).output == "1 snapshot removed\n"


def test_several_groups_are_changed_only_after_a_yes(
    coroner: Coroner, typed: Typed
) -> None:
    coroner.put(1)
    coroner.put(2)
    words = ("set", "blackhole", "--filter=timestamp>=1970-01-01", "assignee=kim")
    typed("n\n")
    refused = coroner.answer(*words)
    assert refused.code == EX_USAGE
    assert "Change 2 groups? [y/N] " in refused.error
    assert coroner.json("group", "blackhole", group(1))["assignee"] == ""
    typed("y\n")
    assert coroner.run(*words) == "2 of 2 groups changed\n"


def test_with_json_the_question_is_no_part_of_the_output(
    coroner: Coroner, typed: Typed
) -> None:
    coroner.put(1)
    coroner.put(2)
    typed("y\n")
    answer = delete(coroner, "--json")
    assert "[y/N]" in answer.error
    assert answer.output.startswith('{"removed": ["')
