"""Reads the core of a cell with coresnap, gdb and eu-stack, and compares."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

import attrs

from coresnap.analysis.session import KeptFile, analyze
from coresnap.model import Frame, Snapshot, Thread
from eu_stack import EuFrame, eu_stack
from gdb_oracle import (
    Comparison,
    GdbFrame,
    compare_frame,
    compare_variables,
    gdb_threads,
)
from matrix.crashes import Crash
from matrix.design import Cell
from matrix.habits import excuses, is_gdb_habit
from matrix.names import same_function

__all__ = ["Verdict", "judge"]


@attrs.define
class Verdict:
    """What came out of one cell."""

    cell: Cell
    frames: int = 0
    """Of gdb's, in all threads; where we have more of them, ours."""
    equal_frames: int = 0
    values: Comparison = attrs.field(factory=Comparison)
    eu_frames: int = 0
    """Of eu-stack's, without inlined ones."""
    equal_eu_frames: int = 0
    eu_reasons: list[str] = attrs.field(factory=list)
    reasons: list[str] = attrs.field(factory=list)
    """Each difference in a line."""
    habits: list[str] = attrs.field(factory=list)
    """Differences in which gdb is wrong, or says the same in other words."""
    failure: str | None = None
    """Why nothing could be compared."""

    @property
    def passed(self) -> bool:
        """Nothing differs from gdb."""
        return self.failure is None and not self.reasons


def judge(crash: Crash) -> Verdict:
    """Compare all frames and all variables of all threads."""
    verdict = Verdict(crash.cell)
    verdict.values.excuse = excuses(crash.cell)
    snapshot = _analyzed(crash)
    ours = {thread.tid: thread for thread in snapshot.threads}
    theirs = _gdb(crash)
    if ours.keys() != theirs.keys():
        verdict.reasons.append(f"threads {sorted(ours)}, gdb {sorted(theirs)}")
    for tid, frames in theirs.items():
        if tid in ours:
            _compare_threads(verdict, ours[tid].frames, frames)
    for text in [*verdict.values.differences, *verdict.values.only_gdb]:
        verdict.reasons.append(text)
    steps = {"unwind", "frames"}
    verdict.reasons += [n.message for n in snapshot.notes if n.step in steps]
    if crash.cell.form != "deleted-library":  # which it cannot be told of
        _compare_with_eu_stack(verdict, crash, ours)
    return verdict


def _analyzed(crash: Crash) -> Snapshot:
    program = crash.program
    kept = []
    if program.library is not None:
        mapped = program.path.with_name(program.library.name)
        kept.append(KeptFile(program.library, program.library.name, bytes(mapped)))
    directories = [program.debug_directory] if program.debug_directory else []
    return analyze(crash.core, debug_directories=directories, kept=kept)


def _gdb(crash: Crash) -> dict[int, list[GdbFrame]]:
    options: list[str] = []
    program = crash.program
    path = program.path
    # gdb 13 dies of a package in DWARF 5: it gets the files that were packed.
    if program.loose is not None:
        path = program.loose / path.name
    if directory := program.debug_directory or program.loose:
        options += ["-iex", f"set debug-file-directory {directory}:/usr/lib/debug"]
    if program.library is not None:
        options += ["-iex", f"set solib-search-path {program.library.parent}"]
    return gdb_threads(path, crash.core, *options)


def _compare_threads(
    verdict: Verdict, ours: tuple[Frame, ...], theirs: list[GdbFrame]
) -> None:
    pcs = [(frame.pc, frame.inline) for frame in ours]
    other_pcs = [(frame["pc"], frame["inline"]) for frame in theirs]
    for one, two in _aligned(pcs, other_pcs):
        verdict.frames += max(len(one), len(two))
        if len(one) != len(two):
            names = [ours[at].function for at in one]
            others = [theirs[at]["function"] for at in two]
            text = f"#{one.start} frames {names}, gdb {others}"
            _blame(verdict, text, max(len(one), len(two)))
            continue
        for at, other_at in zip(one, two, strict=True):
            _compare_one(verdict, at, ours[at], theirs[other_at])


def _aligned(
    ours: Sequence[object], theirs: Sequence[object]
) -> Iterator[tuple[range, range]]:
    """Stretches of both that belong together: one of each, or unequal numbers."""
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for what, start, end, other_start, other_end in matcher.get_opcodes():
        if what == "equal":
            for at in range(end - start):
                one, two = start + at, other_start + at
                yield range(one, one + 1), range(two, two + 1)
        else:
            yield range(start, end), range(other_start, other_end)


def _compare_one(verdict: Verdict, number: int, frame: Frame, other: GdbFrame) -> None:
    texts = [
        f"#{number} {frame.function}: {what} {one}, gdb {two}"
        for what, one, two in compare_frame(frame, other)
        if what != "function" or not same_function(frame, str(two))
    ]
    wrong = [text for text in texts if not is_gdb_habit(verdict.cell, text)]
    verdict.habits += [text for text in texts if text not in wrong]
    verdict.reasons += wrong
    verdict.equal_frames += not wrong
    if frame.pc == other["pc"] and frame.inline == other["inline"]:
        compare_variables(number, frame, other, verdict.values)


def _blame(verdict: Verdict, text: str, frames: int) -> None:
    if is_gdb_habit(verdict.cell, text):
        verdict.habits.append(text)
        verdict.equal_frames += frames
    else:
        verdict.reasons.append(text)


def _compare_with_eu_stack(
    verdict: Verdict, crash: Crash, ours: dict[int, Thread]
) -> None:
    program = crash.program
    options = []
    if program.debug_directory is not None:
        options.append(f"--debuginfo-path={program.debug_directory}")
    theirs = eu_stack(program.path, crash.core, *options, inlined=False)
    for tid, thread in ours.items():
        frames = theirs.get(tid, [])
        physical = [frame for frame in thread.frames if not frame.inline]
        verdict.eu_frames += max(len(frames), len(physical))
        pcs = [frame.pc for frame in physical]
        for one, two in _aligned(pcs, [frame[0] for frame in frames]):
            _compare_eu_frames(
                verdict, [physical[at] for at in one], [frames[at] for at in two]
            )


def _compare_eu_frames(
    verdict: Verdict, ours: list[Frame], theirs: list[EuFrame]
) -> None:
    agree = [False]
    if len(ours) == len(theirs):
        pairs = zip(ours, theirs, strict=True)
        agree = [
            # It names nothing in some programs: what it does not say is no difference.
            frame.pc == pc and (not name or same_function(frame, name))
            for frame, (pc, name, _) in pairs
        ]
    verdict.equal_eu_frames += sum(agree)
    if not all(agree):
        shown = [(frame.pc, frame.function) for frame in ours]
        verdict.eu_reasons.append(f"{shown}, eu-stack {theirs}")
