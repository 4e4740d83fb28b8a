"""Attributes that others give a crash."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.given_attributes import (
    COUNT_LIMIT,
    TEXT_LIMIT,
    VALUE_LIMIT,
    Given,
    from_environment,
    with_given,
)
from coresnap.analysis.session import analyze_record
from coresnap.backends import crash_record
from coresnap.crash import Crash
from coresnap.model import Snapshot
from coresnap.model.attributes import ATTRIBUTES
from coresnap.snapshot.container import read_snapshot, write_snapshot

CRASH = Crash(pid=7, signal=11, time=5 * 10**9, hostname="web1")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return analyze_record({"crash.json": crash_record.encode(CRASH)})


def process(text: bytes) -> Given:
    return Given("process", "BACKTRACE_DEFAULTS", text)


def command(text: bytes) -> Given:
    return Given("command", "defaults.command /x", text)


def notes(annotated: Snapshot, before: Snapshot) -> list[str]:
    return [note.message for note in annotated.notes[len(before.notes) :]]


def added(annotated: Snapshot, before: Snapshot) -> dict[str, object]:
    assert before.attributes.items() <= annotated.attributes.items()
    return {
        name: value
        for name, value in annotated.attributes.items()
        if name not in before.attributes
    }


def test_lines_become_attributes_that_say_who_gave_them(snapshot: Snapshot) -> None:
    given = [command(b"dc=newyork\n"), process(b"version=1.2.3\nbranch = a=b \r\n\n")]

    annotated = with_given(snapshot, given, "web")
    assert added(annotated, snapshot) == {
        "branch": "a=b",
        "coresnap.given.command": "dc",
        "coresnap.given.process": "version branch",
        "coresnap.project": "web",
        "dc": "newyork",
        "version": "1.2.3",
    }
    assert notes(annotated, snapshot) == []
    assert list(annotated.attributes) == sorted(annotated.attributes)


def test_who_gives_nothing_is_not_named(snapshot: Snapshot) -> None:
    annotated = with_given(snapshot, [command(b""), process(b"# note\n")], None)

    assert annotated == snapshot


@pytest.mark.parametrize(
    ("line", "about"),
    [
        (b"no line", "no key=value"),
        (b"=x", "no name"),
        (b"a b=x", "no name"),
        (b"1a=x", "no name"),
        (b"\xff=x", "no name"),
        (b"a" * 65 + b"=x", "no name"),
        (b"signal=SIGFPE", "an attribute of ours"),
        (b"coresnap.project=root", "an attribute of ours"),
        (b"coresnap.given.command=version", "an attribute of ours"),
        (b"a=" + b"x" * (VALUE_LIMIT + 1), "too long or not printable"),
        (b"a=\x1b[2J", "too long or not printable"),
        ("a=\N{RIGHT-TO-LEFT OVERRIDE}".encode(), "too long or not printable"),
    ],
)
def test_a_line_that_cannot_be_believed_is_left_out_and_said(
    snapshot: Snapshot, line: bytes, about: str
) -> None:
    annotated = with_given(snapshot, [process(b"good=1\n" + line + b"\nfine=2")], None)

    assert added(annotated, snapshot) == {
        "coresnap.given.process": "good fine",
        "fine": "2",
        "good": "1",
    }
    (message,) = notes(annotated, snapshot)
    assert message.startswith("BACKTRACE_DEFAULTS: left out: ")
    assert about in message


def test_the_first_word_counts(snapshot: Snapshot) -> None:
    given = [command(b"dc=one\ndc=two"), process(b"dc=three")]

    annotated = with_given(snapshot, given, None)
    assert annotated.attributes["dc"] == "one"
    assert annotated.attributes["coresnap.given.command"] == "dc"
    assert "coresnap.given.process" not in annotated.attributes
    assert len(notes(annotated, snapshot)) == 2


def test_the_number_of_attributes_and_of_complaints_is_bounded(
    snapshot: Snapshot,
) -> None:
    lines = b"".join(b"a%d=x\n" % n for n in range(COUNT_LIMIT + 100))

    # Two variables of one process are one source.
    annotated = with_given(snapshot, [process(lines), process(b"more=1")], None)
    names = str(annotated.attributes["coresnap.given.process"]).split()
    assert len(names) == COUNT_LIMIT
    assert "more" not in names
    first, _ = notes(annotated, snapshot)
    assert "and 97 more" in first
    assert len(first) < 500


def test_what_is_behind_the_limit_is_not_looked_at(snapshot: Snapshot) -> None:
    text = b"#" * TEXT_LIMIT + b"\nlate=1"

    annotated = with_given(snapshot, [process(text)], None)
    assert added(annotated, snapshot) == {}
    assert "what is behind" in notes(annotated, snapshot)[0]


def test_the_named_variables_are_found_in_the_environment() -> None:
    environment = b"PATH=/bin\0CORESNAP_ATTRIBUTES=a=1\nb=2\0APP_X=c=3\0APP=d\0broken"

    found = list(from_environment(environment, ("CORESNAP_ATTRIBUTES", "APP_*")))
    assert [(one.label, one.text) for one in found] == [
        ("CORESNAP_ATTRIBUTES", b"a=1\nb=2"),
        ("APP_X", b"c=3"),
    ]
    assert list(from_environment(environment, ())) == []


def sources() -> st.SearchStrategy[list[Given]]:
    words = st.sampled_from(
        [b"a", b"signal", b"coresnap.x", b"=", b"\n", b"\0", b"\xff", b" ", b"9", b"#"]
    )
    text = st.lists(words, max_size=40).map(b"".join) | st.binary(max_size=200)
    return st.lists(
        st.builds(Given, st.sampled_from(["command", "process"]), st.just("it"), text),
        max_size=4,
    )


@given(given=sources())
def test_no_text_changes_what_is_ours_or_breaks_a_snapshot(
    snapshot: Snapshot, given: Iterable[Given], tmp_path_factory: pytest.TempPathFactory
) -> None:
    annotated = with_given(snapshot, given, None)

    new = added(annotated, snapshot)
    assert new.keys() & ATTRIBUTES.keys() <= {
        "coresnap.given.command",
        "coresnap.given.process",
    }
    named = {
        name
        for source in ("command", "process")
        for name in str(new.get(f"coresnap.given.{source}", "")).split()
    }
    assert named == {name for name in new if not name.startswith("coresnap.")}
    path = tmp_path_factory.getbasetemp() / "annotated.csnap"
    with path.open("wb") as stream:
        write_snapshot(annotated, stream.fileno())
    assert read_snapshot(path) == annotated


def test_a_snapshot_is_not_changed_in_place(snapshot: Snapshot) -> None:
    before = msgspec.structs.replace(snapshot, attributes=dict(snapshot.attributes))

    with_given(snapshot, [process(b"a=1")], "p")
    assert snapshot == before
