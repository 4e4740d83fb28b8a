from __future__ import annotations

import re

from coresnap.views.fault.fault import Fault
from coresnap.views.fault.markdown import LONGEST, render_markdown
from snapshot.specimens import frame, full, small, thread, variable
from views.fault.hostile import ATTACK, hostile


def test_a_ticket_has_cause_stack_variables_and_verdict() -> None:
    text = render_markdown(Fault.of(full()))

    assert text.startswith("# simple (pid 4242) crashed by SIGABRT (SI\\_TKILL)")
    assert "#98231 program (argc=1) at /src/simple.c:13" in text
    assert "double ratio = 0.25" in text
    assert "- `abort` (certain): SIGABRT" in text
    assert f"| fingerprint | {'5a' * 32} |" in text


def outside_of_code(text: str) -> str:
    """What Markdown interprets."""
    blocks = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.DOTALL | re.M)
    return re.sub(r"(?<!\\)(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", blocks)


def test_what_a_process_chose_is_no_markdown_and_calls_nobody() -> None:
    outside = outside_of_code(render_markdown(Fault.of(hostile())))

    for lively in ("@all", "www.", "<script", "\x1b", "\u202e"):
        assert lively not in outside


def test_a_fence_is_longer_than_what_it_holds() -> None:
    ticks = "`" * 7
    named = thread(frames=(frame(function=f"{ticks} @all"),))
    text = render_markdown(Fault.of(small(threads=(named,))))

    assert "@all" in text
    assert "@all" not in outside_of_code(text)
    assert f"\n{ticks}`text\n" in text


def test_lines_that_would_begin_a_list_or_heading_do_not() -> None:
    for mark in ("# x", "- x", "+ x", "1. x", "12) x", "=== x"):
        text = render_markdown(Fault.of(small(summary=f"  {mark}")))
        line = text.split("\n")[2]
        assert re.match(r"\d*\\[#+\-=.)]", line), line


def test_it_fits_into_a_ticket_whatever_the_snapshot_holds() -> None:
    values = tuple(variable("v" * 400, text="x" * 400) for _ in range(100))
    frames = tuple(frame(function="f" * 400, variables=values) for _ in range(500))
    text = render_markdown(Fault.of(small(threads=(thread(frames=frames),))))
    attacked = render_markdown(Fault.of(hostile(ATTACK + "|`*" * 10**6)))

    assert max(len(text), len(attacked)) <= LONGEST + 10
    assert "440 more frames" in text
