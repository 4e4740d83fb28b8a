"""Conclusions as remarks, on the frames and threads that they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coresnap.analysis.classify.usefulness import is_cause
from coresnap.analysis.remarks import Remarks
from coresnap.model import Annotation, Classifier, Thread

__all__ = ["remarks_on_conclusions"]

_LEVELS = {"certain": "critical", "strong": "critical", "probable": "warning"}


def remarks_on_conclusions(
    threads: Sequence[Thread], classifiers: Iterable[Classifier]
) -> Remarks:
    """Return what to say on which frame or thread: causes alone, and what happened to
    threads that did not crash; the rest stands in the verdict."""
    by_tid = {thread.tid: thread for thread in threads if thread.like is None}
    remarks: dict[int, list[Annotation]] = {}
    for one in classifiers:
        thread = by_tid.get(one.tid) if one.tid is not None else None
        if thread is None or not one.summary or not is_cause(one):
            continue
        in_frames = one.frame is not None and one.frame < len(thread.frames)
        if not in_frames and thread.crashed:
            continue
        owner = thread.frames[one.frame or 0] if in_frames else thread
        level = _LEVELS.get(one.confidence, "comment")
        text = f"{one.name}: {one.summary}"
        remarks.setdefault(id(owner), []).append(Annotation(level, text))
    return remarks
