"""Everything that a fault warns of, with the place it speaks of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from coresnap.model import Annotation, Snapshot
from coresnap.snapshot.escape import printable
from coresnap.views.fault.position import GLOBALS, Position
from coresnap.views.fault.shortened import shortened
from coresnap.views.fault.stack import FrameView, ThreadGroup, ThreadView
from coresnap.views.fault.value import Value

__all__ = ["LEVELS", "Remark", "remarks_of"]

LEVELS = ("critical", "warning", "comment")
"""The gravest first."""

_MESSAGE_MAX = 2000
_VALUES = 20_000
"""Values that are looked through for remarks."""
_FRAMES = 20_000


class Remark(msgspec.Struct, frozen=True):
    """One warning; its texts are printable."""

    level: str
    """One of ``LEVELS``."""
    message: str
    source: str = ""
    """The plug-in or the step that speaks; empty for the verdict and our own."""
    position: Position | None = None
    """Its owner: a thread, a frame or a variable."""
    address: int | None = None
    """Its owner in memory."""
    section: str = ""
    """Its owner elsewhere: ``verdict``, ``heap``, ``modules``, ``quality``"""


def remarks_of(
    snapshot: Snapshot, groups: Iterable[ThreadGroup], globals_: Iterable[Value]
) -> tuple[Remark, ...]:
    """Return all remarks, the gravest first, those of one level in reading order."""
    everything = [
        *_verdict(snapshot, {g.first.thread.tid: g.first for g in groups}),
        *_heaps(snapshot),
        *_annotated(snapshot.annotations, section="verdict"),
        *_stacks(groups),
        *_values(globals_, Position(GLOBALS), [_VALUES]),
        *_doubts(snapshot),
    ]
    once = dict.fromkeys(everything)
    return tuple(sorted(once, key=lambda one: LEVELS.index(one.level)))


def _verdict(snapshot: Snapshot, threads: dict[int, ThreadView]) -> Iterator[Remark]:
    for one in snapshot.classifiers:
        evidence = one.evidence[0] if one.evidence else ""
        words = one.summary or one.name
        message = f"{words}: {evidence}" if evidence else words
        level = "critical" if one.confidence in ("certain", "strong") else "warning"
        position = None
        thread = threads.get(one.tid) if one.tid is not None else None
        if thread is not None:
            position = thread.position
            if one.frame is not None and 0 <= one.frame < len(thread.frames):
                position = thread.frames[one.frame].position
        text = shortened(printable(message), _MESSAGE_MAX)
        yield Remark(level, text, "", position, one.address, "verdict")


def _heaps(snapshot: Snapshot) -> Iterator[Remark]:
    for heap in snapshot.heaps:
        for one in heap.damage:
            level = "warning" if one.doubt else "critical"
            message = f"{heap.name}: {one.what}"
            message += f" (perhaps none: {one.doubt})" if one.doubt else ""
            text = shortened(printable(message), _MESSAGE_MAX)
            yield Remark(level, text, "", None, one.address, "heap")


def _stacks(groups: Iterable[ThreadGroup]) -> Iterator[Remark]:
    left, frames = [_VALUES], _FRAMES
    for group in groups:
        for thread in group.threads:
            owned = thread.thread.annotations
            yield from _annotated(owned, thread.position)
            is_shared = thread.thread.like is not None
            frames -= 0 if is_shared else len(thread.thread.frames)
            if not is_shared and frames >= 0:
                yield from _frames(thread.frames, left)


def _frames(frames: Iterable[FrameView], left: list[int]) -> Iterator[Remark]:
    for frame in frames:
        yield from _annotated(frame.frame.annotations, frame.position)
        if frame.frame.variables:
            yield from _values(frame.values, frame.position, left)


def _values(
    values: Iterable[Value], owner: Position, left: list[int]
) -> Iterator[Remark]:
    for value in values:
        left[0] -= 1
        if left[0] < 0:
            return
        if value.annotations:
            where = Position(owner.thread, owner.frame, value.path)
            yield from _annotated(value.annotations, where, about=value.path)
        if value.has_children:
            yield from _values(value.children, owner, left)


def _annotated(
    annotations: Iterable[Annotation],
    position: Position | None = None,
    section: str = "",
    about: str = "",
) -> Iterator[Remark]:
    for one in annotations:
        level = one.level if one.level in LEVELS else "comment"
        message = printable(one.message or one.title)
        text = shortened(f"{about}: {message}" if about else message, _MESSAGE_MAX)
        yield Remark(
            level, text, shortened(printable(one.source)), position, None, section
        )


def _doubts(snapshot: Snapshot) -> Iterator[Remark]:
    """What was not read, or not trusted."""
    if snapshot.truncated:
        yield Remark("warning", "the core is truncated: parts of this are missing")
    for module in snapshot.modules:
        if module.problem:
            text = f"{module.path}: {module.problem}"
            yield _comment(text, "", "modules")
    for note in snapshot.notes:
        yield _comment(note.message, note.step, "quality")
    for left_out in snapshot.dropped:
        of = "" if left_out.tid is None else f" of thread {left_out.tid}"
        amount = f"{left_out.count:,} {left_out.what}{of}"
        yield _comment(f"left out: {amount}: {left_out.reason}", "", "quality")
    for part in snapshot.quality_parts:
        if part.reason:
            yield _comment(part.reason, part.name, "quality")


def _comment(message: str, source: str, section: str) -> Remark:
    text = shortened(printable(message), _MESSAGE_MAX)
    return Remark("comment", text, shortened(printable(source)), section=section)
