"""Texts with names in them."""

from __future__ import annotations

import pytest

from coresnap.integrations.jira.document import Code, Paragraph, code
from coresnap.integrations.jira.template import filled
from coresnap.integrations.jira.wording import comment, description, value_of
from coresnap.integrations.wording import shown
from coresnap.model.notice import Event
from integrations.jira.notices import group_id, notice

NOTICE = notice(
    Event.NEW_GROUP,
    group_id("template"),
    attributes={"uname.sysname": (("Linux", 3),), "empty": ()},
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$count faults", "412 faults"),
        ("${uname.sysname}-box", "Linux-box"),
        ("on $uname.sysname.", "on Linux."),
        ("$$5, 100% $", "$5, 100% $"),
        ("[$nothing] $empty", "[]"),
        ("a\n  b", "a b"),
    ],
)
def test_a_name_stands_for_a_value(template: str, text: str) -> None:
    assert filled(template, lambda name: value_of(NOTICE, name), 255) == text


def test_a_value_is_not_a_template() -> None:
    told = notice(Event.NEW_GROUP, "0" * 64, title="$summary ${count}")
    assert (
        filled("$title", lambda name: value_of(told, name), 99) == "$summary ${count}"
    )


def test_a_line_of_one_name_may_be_a_block() -> None:
    first, second, stack = description(NOTICE, "In $project:\n\n$callstack\n")
    assert first == Paragraph(("In blackhole:",))
    assert second == Paragraph(("Call stack, innermost first",))
    assert stack == Code("parse_header\nread_request\nmain")


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert shown("a" * 300, 255) == "a" * 254 + "…"
    assert shown("\x1b" * 200, 255)[-1] == "…"
    block = code((f"{number:05}" for number in range(10_000)), 600)
    assert block.text.endswith("… 9900 more")


@pytest.mark.parametrize("event", sorted(set(Event) - {Event.DIGEST, Event.TEST}))
def test_each_comment_says_why_and_who_says_so(event: Event) -> None:
    told = notice(event, "0" * 64, why="because of 17", other="1" * 64)
    text = str(comment(told))
    assert "because of 17" in text
    assert f"rule crashes of cf/blackhole (notice {told.id})" in text
