"""Sets an interpreter's frames among the native ones that run them."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence

import msgspec

from coresnap.model import Frame, UnwindEnd

__all__ = ["Run", "interleave"]

_COMPLETE = (UnwindEnd.OUTERMOST, UnwindEnd.ZERO_RETURN_ADDRESS)


class Run(msgspec.Struct, frozen=True):
    """Interpreted frames that one native frame runs, innermost first.

    Their pc and module are filled in from that frame.
    """

    frames: tuple[Frame, ...]
    anchor: int | None
    """An address within the native frame; None if nobody tells."""


def interleave(
    native: Sequence[Frame],
    runs: Sequence[Run],
    end: UnwindEnd,
    is_evaluator: Callable[[Frame], bool],
) -> tuple[Frame, ...]:
    """Put each run before (that is, inside) the native frame that runs it.

    ``runs`` are innermost first, as are ``native`` frames. A run goes where its anchor
    says, else to the next evaluator in order. Runs whose native frame was not found
    keep their place in the order, with a pc of 0.
    """
    groups = _groups(native)
    places = _by_anchor(native, groups, runs)
    if all(run.anchor is None for run in runs):
        places = _by_order(native, groups, runs, end, is_evaluator)
    before: dict[int, list[Frame]] = {}
    position = len(native)
    for run, group in zip(reversed(runs), reversed(places), strict=True):
        runner = None
        if group is not None:
            position = min(position, groups[group][0])
            runner = native[groups[group][1]]
        filled = [_run_by(frame, runner) for frame in run.frames]
        before.setdefault(position, [])[:0] = filled
    frames: list[Frame] = []
    for index, frame in enumerate(native):
        frames.extend(before.get(index, ()))
        frames.append(frame)
    return (*frames, *before.get(len(native), ()))


def _groups(native: Sequence[Frame]) -> list[tuple[int, int]]:
    """(first, last) index of each physical frame with the calls inlined into it."""
    groups: list[tuple[int, int]] = []
    first = 0
    for index, frame in enumerate(native):
        if not frame.inline:
            groups.append((first, index))
            first = index + 1
    return groups


def _by_anchor(
    native: Sequence[Frame], groups: Sequence[tuple[int, int]], runs: Sequence[Run]
) -> list[int | None]:
    """For each run the group whose part of the stack holds its anchor."""
    spans: list[tuple[int, int, int]] = []
    for number, (group, caller) in enumerate(itertools.pairwise(groups)):
        start = native[group[1]].stack_pointer
        end = native[caller[1]].stack_pointer
        if start is not None and end is not None and start < end:
            spans.append((start, end, number))
    spans.sort()
    starts = [span[0] for span in spans]
    places: list[int | None] = []
    for run in runs:
        place = None
        if run.anchor is not None:
            index = bisect_right(starts, run.anchor) - 1
            if index >= 0 and run.anchor < spans[index][1]:
                place = spans[index][2]
        places.append(place)
    return places


def _by_order(
    native: Sequence[Frame],
    groups: Sequence[tuple[int, int]],
    runs: Sequence[Run],
    end: UnwindEnd,
    is_evaluator: Callable[[Frame], bool],
) -> list[int | None]:
    """For each run the evaluator with its number, counted from the safer end."""
    found = [n for n, group in enumerate(groups) if is_evaluator(native[group[1]])]
    surplus = len(found) - len(runs)
    if surplus > 0 and end in _COMPLETE:
        # The innermost has not entered its frame yet, or has left it.
        found = found[surplus:]
    places: list[int | None] = list(found[: len(runs)])
    return places + [None] * (len(runs) - len(places))


def _run_by(frame: Frame, runner: Frame | None) -> Frame:
    if runner is None:
        return frame
    return msgspec.structs.replace(
        frame,
        pc=runner.pc,
        module=runner.module,
        module_offset=runner.module_offset,
        build_id=runner.build_id,
        stack_pointer=runner.stack_pointer,
    )
