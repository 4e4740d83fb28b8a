from __future__ import annotations

from coresnap.views.fault.stack import threads_of
from snapshot.specimens import frame, thread


def test_threads_of_one_stack_are_one_group_and_those_that_crashed_come_first() -> None:
    waits = (frame(function="wait"),)
    groups = threads_of(
        [
            thread(1, crashed=False, frames=waits, name="b"),
            thread(2, crashed=False, frames=waits, name="a"),
            thread(3, crashed=True, frames=(frame(function="fail"),)),
        ]
    )

    tids = [[one.thread.tid for one in group.threads] for group in groups]
    assert tids == [[3], [1, 2]]
    assert groups[1].names == ("a", "b")
    assert groups[0].crashed


def test_threads_that_share_an_id_have_positions_of_their_own() -> None:
    # As the idle threads of a kernel, one of each processor.
    groups = threads_of([thread(0, crashed=False), thread(0, crashed=True)])

    assert [str(group.first.position) for group in groups] == ["0.2", "0"]


def test_frames_that_were_left_out_are_counted() -> None:
    frames = (frame(function="a"), frame(function="b", left_out=100), frame())
    (group,) = threads_of([thread(frames=frames)])

    assert [one.number for one in group.first.frames] == [0, 101, 102]
    assert group.first.at(101) is group.first.frames[1]
    assert group.first.at(50) is None
    assert group.first.at(103) is None


def test_a_frame_tells_its_place_and_its_source() -> None:
    fields = {"source": ("int x;", "\tcrash();"), "source_start": 12}
    one = frame(function="f", file="a\x1b.c", line=13, **fields)
    (group,) = threads_of([thread(frames=(one, frame(), frame(module="/lib/x.so")))])
    told, nameless, in_module = group.first.frames

    assert told.place == "a\\e.c:13"
    assert [(s.number, s.text, s.is_current) for s in told.source] == [
        (12, "int x;", False),
        (13, "    crash();", True),
    ]
    assert (nameless.name, nameless.place) == ("??", "0x401136")
    assert in_module.place == "x.so"
