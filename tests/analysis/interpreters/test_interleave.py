"""Interpreted frames stand inside the native frame that runs them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from coresnap.analysis.interpreters.interleave import Run, interleave
from coresnap.model import Frame, Trust, UnwindEnd

EVALUATOR = "evaluate"
COMPLETE, CUT = UnwindEnd.OUTERMOST, UnwindEnd.UNREADABLE


def native(*names: str, inlined: Sequence[str] = ()) -> list[Frame]:
    """Frames of 0x100 bytes of stack each, from 0x1000 up."""
    frames, pointer = [], 0x1000
    for name in names:
        inline = name in inlined
        frames.append(
            Frame(
                pointer + 1,
                Trust.CFI,
                inline=inline,
                function=name,
                module="/bin/python",
                stack_pointer=pointer,
            )
        )
        pointer += 0 if inline else 0x100
    return frames


def run(*names: str, anchor: int | None = None) -> Run:
    frames = tuple(
        Frame(0, Trust.INTERPRETER, function=name, interpreter="CPython 3.12")
        for name in names
    )
    return Run(frames, anchor)


def names(
    frames: Sequence[Frame], runs: Sequence[Run], end: UnwindEnd = COMPLETE
) -> list[str | None]:
    return [f.function for f in merged(frames, runs, end)]


def merged(
    frames: Sequence[Frame], runs: Sequence[Run], end: UnwindEnd = COMPLETE
) -> tuple[Frame, ...]:
    return interleave(frames, runs, end, lambda frame: frame.function == EVALUATOR)


def test_a_run_stands_before_the_frame_whose_stack_holds_its_anchor() -> None:
    frames = native("read", EVALUATOR, "qsort", EVALUATOR, "main")
    runs = [run("inner", "compare", anchor=0x1180), run("outer", anchor=0x1308)]
    assert names(frames, runs) == [
        "read",
        "inner",
        "compare",
        EVALUATOR,
        "qsort",
        "outer",
        EVALUATOR,
        "main",
    ]


def test_an_anchor_needs_no_name() -> None:
    frames = native("?", "?", "?", "main")
    assert names(frames, [run("f", anchor=0x1110)]) == ["?", "f", "?", "?", "main"]


def test_an_interpreted_frame_has_the_pc_and_module_of_the_frame_that_runs_it() -> None:
    frames = native("read", EVALUATOR, "main")
    found = merged(frames, [run("f", anchor=0x1120)])
    assert (found[1].pc, found[1].module, found[1].stack_pointer) == (
        0x1101,
        "/bin/python",
        0x1100,
    )


def test_calls_inlined_into_the_evaluator_stay_with_it() -> None:
    frames = native("read", "call", EVALUATOR, "main", inlined=["call"])
    runs = [run("f", anchor=0x1120)]
    assert names(frames, runs) == ["read", "f", "call", EVALUATOR, "main"]


def test_without_anchors_runs_go_to_evaluators_in_order() -> None:
    frames = native(EVALUATOR, "call", EVALUATOR, "main")
    assert names(frames, [run("f"), run("g")]) == [
        "f",
        EVALUATOR,
        "call",
        "g",
        EVALUATOR,
        "main",
    ]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (COMPLETE, [EVALUATOR, "call", "f", EVALUATOR, "main"]),
        (CUT, ["f", EVALUATOR, "call", EVALUATOR, "main"]),
    ],
)
def test_of_more_evaluators_than_runs_those_at_the_safer_end_are_taken(
    end: UnwindEnd, expected: list[str]
) -> None:
    # The innermost of a complete stack has only begun, and has no frame yet.
    frames = native(EVALUATOR, "call", EVALUATOR, "main")
    assert names(frames, [run("f")], end) == expected


def test_runs_beyond_a_cut_native_stack_follow_it_without_a_pc() -> None:
    frames = native("read", EVALUATOR, "call")
    runs = [run("f", anchor=0x1110), run("g", anchor=0x9000)]
    found = merged(frames, runs, CUT)
    assert [f.function for f in found] == ["read", "f", EVALUATOR, "call", "g"]
    assert (found[-1].pc, found[-1].module) == (0, None)


def test_a_run_whose_frame_is_missing_keeps_its_place_in_the_order() -> None:
    frames = native("read", EVALUATOR, "call", EVALUATOR, "main")
    runs = [
        run("f", anchor=0x1110),
        run("lost", anchor=0x50),
        run("g", anchor=0x1310),
    ]
    assert names(frames, runs) == [
        "read",
        "f",
        EVALUATOR,
        "call",
        "lost",
        "g",
        EVALUATOR,
        "main",
    ]


def test_a_thread_without_native_frames_still_shows_its_python() -> None:
    assert names([], [run("f"), run("g")]) == ["f", "g"]
