"""Aliases and marks as text."""

from __future__ import annotations

import msgspec

from coresnap.model import (
    Alias,
    Annotation,
    Frame,
    Snapshot,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)
from coresnap.snapshot.alias_lines import alias_lines, mark_lines
from coresnap.snapshot.display import Display
from coresnap.snapshot.ink import Ink
from coresnap.snapshot.text import render

FRAMES = (
    Frame(0x1000, Trust.CONTEXT, function="use"),
    Frame(0x2000, Trust.CFI, function="main", left_out=7),
)
SNAPSHOT = Snapshot(
    "Linux",
    "x86-64",
    1,
    "p",
    None,
    None,
    threads=(
        Thread(7, True, UnwindEnd.OUTERMOST, frames=FRAMES),
        Thread(8, False, UnwindEnd.OUTERMOST, frames=FRAMES[:1]),
    ),
)
STALE = "stale: the 24-byte block is free"


def lines(*aliases: Alias, everything: bool = False) -> list[str]:
    snapshot = msgspec.structs.replace(SNAPSHOT, aliases=aliases)
    return list(alias_lines(snapshot, Display(), all_of_them=everything))


def test_each_kind_of_holder_says_where_it_is() -> None:
    found = lines(
        Alias("variable", "p", 0x10, 0, 1, "struct a *", 0x7F0, 7, 0, STALE),
        Alias("variable", "q->r", 0x18, 8, 2, "void *", 0x7F8, 7, 1),
        Alias("register", "rbx", 0x10, 0, 1, None, None, 8, 0),
        Alias("stack", "[rsp] of frame 0 (use)", 0x10, 0, 1, None, 0x6F0, 8, 0),
        Alias("tls", "own", 0x10, 0, 1, None, 0x5F0, 8),
        Alias("heap", "", 0x10, 0, 1, None, 0x4F0),
    )
    assert found == [
        "aliases",
        f"  variable p (struct a *) of frame 0 (use) = 0x10; {STALE}",
        "  variable q->r (void *) of frame 8 (main) = 0x18 (+8), level 2",
        "  register rbx of frame 0 (use) in thread 8 = 0x10",
        "  stack [rsp] of frame 0 (use) in thread 8 = 0x10",
        "  tls own in thread 8 = 0x10",
        "  heap 0x4f0 = 0x10",
    ]


def test_the_nearest_are_shown_or_all() -> None:
    many = [Alias("heap", f"w{number}", 0x10, 0) for number in range(20)]
    few = lines(*many)
    assert few[1] == "  heap w0 = 0x10"
    assert len(few) == 10
    assert few[-1] == "  and 12 more"
    assert len(lines(*many, everything=True)) == 21
    assert lines() == []


def test_they_stand_below_the_crashed_thread_where_variables_are_wanted() -> None:
    aliases = (Alias("heap", "w", 0x10, 0),)
    snapshot = msgspec.structs.replace(SNAPSHOT, aliases=aliases)
    text = render(snapshot)
    assert text.index("thread 7") < text.index("aliases") < text.index("thread 8")
    assert "aliases" not in render(snapshot, display=Display(details=False))


def test_what_a_process_chose_is_escaped() -> None:
    (_, line) = lines(
        Alias("variable", "a\x1b[2J", 1, 0, 1, "b\x1b", None, 7, 0, "\x1b")
    )
    assert "\x1b" not in line
    mark = Annotation("comment", "c\x1b")
    variable = Variable("v\x1b", "int", VariableKind.LOCAL, annotations=(mark,))
    outer = Variable("o\x1b", "x", VariableKind.LOCAL, members=(variable,))
    assert "\x1b" not in "".join(mark_lines(outer, Ink(), ""))


def marked(name: str, kind: VariableKind = VariableKind.MEMBER) -> Variable:
    mark = Annotation("warning", f"about {name}")
    return Variable(name, "int", kind, annotations=(mark,))


def test_marks_stand_below_the_variable_with_their_paths() -> None:
    target = Variable("*", "struct s", VariableKind.TARGET, members=(marked("x"),))
    base = Variable("B", "B", VariableKind.BASE, members=(marked("y"),))
    items = (marked("[0]", VariableKind.ELEMENT),)
    variable = msgspec.structs.replace(
        marked("v"), members=(base,), items=items, target=target
    )
    assert list(mark_lines(variable, Ink(), "  ")) == [
        "  warning: about v",
        "  warning: v.y: about y",
        "  warning: v[0]: about [0]",
        "  warning: v->x: about x",
    ]


def test_many_marks_of_one_variable_are_cut() -> None:
    members = tuple(marked(f"m{number}") for number in range(9))
    variable = Variable("v", "s", VariableKind.LOCAL, members=members)
    found = list(mark_lines(variable, Ink(), ""))
    assert len(found) == 5
    assert found[-1] == "…"


def test_a_nest_without_an_end_is_left() -> None:
    deep = marked("v")
    for _ in range(20_000):
        deep = Variable("v", "s", VariableKind.LOCAL, target=deep)
    assert list(mark_lines(deep, Ink(), "")) == []
