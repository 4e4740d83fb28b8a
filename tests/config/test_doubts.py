"""Warnings of values that are hardly what somebody meant."""

from __future__ import annotations

import pytest

from coresnap.config.doubts import doubts
from coresnap.config.example import example
from coresnap.config.interpret import interpret


def warnings(text: str) -> list[tuple[int, str]]:
    reading = interpret(text)
    assert reading.errors == ()
    return [(problem.line, problem.message) for problem in doubts(reading)]


@pytest.mark.parametrize(
    ("text", "line", "about"),
    [
        ("[archive]\nroot = /srv/x # here\n", 2, "behind the #"),
        ("[archive]\nroot = /tmp/x\n", 2, "does not outlive a restart"),
        ("[archive]\nenviron.allow = PATH, *\n", 2, "* lets secrets"),
        ("[archive]\nenviron.allow = AWS_SECRET_*\n", 2, "AWS_SECRET_* lets secrets"),
        ("[archive]\nkeep = nothing\n", 2, "only counted"),
        ("[archive]\ndump.quota = 0%\n", 2, "may fill the disk"),
        ("[archive]\ndump.quota = 100%\n", 2, "no core is kept"),
        ("[archive]\nparked.budget = 5ms\n", 2, "so short a time"),
        ("[archive]\nstorm.rate = 100/1h\n", 2, "counts first"),
        (
            "[archive]\nstorm.rate.global = none\nstorm.rate = none\n",
            3,
            "nothing bounds",
        ),
        ("[daemon]\npurge.disabled = yes\nkeep.last = 3\n", 3, "keeps everything"),
        ("[daemon]\nworker.time = 1m\n", 2, "before worker.cpu"),
        ("[archive]\nformat.1 = a\nformat.2 = b %e /x/\n", 3, "takes all before"),
        ("[archive]\nformat.1 = a %e //usr/bin//\n", 2, "has no slash"),
        ("[archive]\nformat.1 = a %e /(a+)+$/\n", 2, "may take ages"),
        ("[application nginx]\nkeep = notes\n", 1, "no path begins so"),
        ("[application /a]\n", 1, "says nothing"),
        (
            "[application /usr/*]\nkeep = notes\n"
            "[application /usr/bin/vim]\nkeep = full\n",
            3,
            "stands before and matches all",
        ),
        (
            "[application *]\nkeep = notes\n[application /o?t]\nkeep = full\n",
            3,
            "stands before and matches all",
        ),
    ],
)
def test_a_doubtful_value_is_named_once_with_its_line(
    text: str, line: int, about: str
) -> None:
    ((number, message),) = warnings(text)

    assert number == line
    assert about in message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[archive]\nroot = /srv/#1\n",
        "[archive]\nenviron.allow = LANG, LC_*\n",
        "[archive]\nformat.1 = a %E //bin//\nformat.2 = b %e /[/]|y/\nformat.3 = c\n",
        "[daemon]\npurge.disabled = no\nkeep.last = 3\n",
        "[application /usr/bin/vim]\nkeep = full\n[application /usr/*]\nkeep = notes\n",
        "[application /bin/*]\nkeep = full\n[application /bi?/*]\nkeep = notes\n",
        "[application */nginx]\nkeep = full\n",
    ],
)
def test_what_may_well_be_meant_gives_no_warning(text: str) -> None:
    assert warnings(text) == []


def test_the_example_says_nothing_and_can_say_everything() -> None:
    text = example()

    assert interpret(text).statements == ()
    assert warnings(text) == []
    # Without the marks it is a file with every default.
    bare = "".join(
        f"{line[1:]}\n"
        for line in text.splitlines()
        if line.startswith("#") and not line.startswith("# ") and "= " in line
    )
    assert "storm.rate = 10/10m\n" in bare
    lines = [line.removeprefix("#") for line in text.splitlines()]
    spoken = "\n".join(
        line
        for line in lines
        if line.startswith("[") or (" = " in line and not line.startswith(" "))
    )
    assert interpret(spoken).errors == ()
    defaults, given = interpret("").config, interpret(spoken).config
    for field in ("keep", "storm_rate", "purge_pending_age", "environ_allow", "socket"):
        assert getattr(defaults, field) == getattr(given, field)
