from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from coresnap.errors import MissingError, SnapshotFormatError
from coresnap.model import Annotation, Classifier
from coresnap.snapshot.container import (
    SnapshotReader,
    open_snapshot,
    pack_snapshot,
    write_snapshot,
)
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.position import Position
from snapshot.specimens import frame, full, small, thread, variable


def test_the_memory_of_an_opened_snapshot_is_read_as_far_as_it_is_shown(
    tmp_path: Path,
) -> None:
    write_snapshot(full(), tmp_path / "x.csnap")
    with open_snapshot(tmp_path / "x.csnap") as reader:
        opened = Fault.opened(reader)
        assert opened.snapshot.memory == ()
        rows = opened.memory.rows(0x7FFF_FFFF_0000, 3)

    assert rows == Fault.of(full()).memory.rows(0x7FFF_FFFF_0000, 3)


def test_a_snapshot_elsewhere_is_fetched_section_by_section() -> None:
    body = pack_snapshot(full())
    fetched: list[tuple[int, int]] = []

    def fetch(offset: int, size: int) -> bytes:
        fetched.append((offset, size))
        return body[offset : offset + size]

    reader = SnapshotReader.elsewhere(len(body), fetch)
    assert sum(size for _, size in fetched) < 1000
    assert reader.snapshot() == full()
    with pytest.raises(SnapshotFormatError, match="not a coresnap snapshot"):
        SnapshotReader.elsewhere(5, lambda offset, size: b"short")


def test_a_reader_begins_at_the_frame_that_the_verdict_speaks_of() -> None:
    frames = (frame(function="abort"), frame(function="free"), frame(function="work"))
    verdict = Classifier("abort", "certain", (), 4242, frame=2)
    told = Fault.of(small(threads=(thread(frames=frames),), classifiers=(verdict,)))

    assert str(told.start) == "4242/2"
    silent = small(threads=(thread(frames=frames),))
    assert str(Fault.of(silent).start) == "4242/0"
    named = msgspec.structs.replace(silent, callstack=("free", "work"))
    assert str(Fault.of(named).start) == "4242/1"
    assert Fault.of(small(threads=())).start is None


def test_a_position_leads_to_thread_frame_and_value() -> None:
    found = Fault.of(full()).find(Position("4242", 98_231, "head->value"))

    assert found.thread is not None
    assert found.frame is not None
    assert found.thread.thread.tid == 4242
    assert [value.path for value in found.values] == ["head", "head->value"]
    assert Fault.of(full()).find(Position("globals", None, "total")).values


@pytest.mark.parametrize("text", ["1", "4242/0", "4242/98231/none", "globals//none"])
def test_a_position_that_leads_nowhere_says_what_is_missing(text: str) -> None:
    with pytest.raises(MissingError, match=r"no (thread|frame|variable)|has no"):
        Fault.of(full()).find(Position.parse(text))


def test_warnings_come_gravest_first_with_their_owners() -> None:
    value = variable("p", annotations=(Annotation("warning", "stale"),))
    said = frame(function="f", variables=(value,))
    grave = Annotation("critical", "the queue is lost", source="queues")
    told = Fault.of(
        small(
            threads=(thread(frames=(said,), annotations=(grave,)),),
            classifiers=(Classifier("segv", "certain", ("at 0",), 4242, frame=0),),
        )
    )

    rows = [(one.level, one.message, str(one.position)) for one in told.remarks]
    assert rows == [
        ("critical", "segv: at 0", "4242/0"),
        ("critical", "the queue is lost", "4242"),
        ("warning", "p: stale", "4242/0/p"),
    ]


def test_every_kind_of_doubt_is_among_the_warnings() -> None:
    sections = {one.section for one in Fault.of(full()).remarks}

    assert sections >= {"verdict", "heap", "modules", "quality"}


def test_what_many_threads_share_is_said_once() -> None:
    groups = [one.position for one in Fault.of(full()).remarks if one.position]
    assert {position.thread for position in groups} == {"4242"}
