"""Causes stand where they happened, the rest in the verdict alone."""

from __future__ import annotations

from coresnap.analysis.classify.remarks import remarks_on_conclusions
from coresnap.model import Classifier, Frame, Thread, Trust, UnwindEnd

FRAMES = (Frame(1, Trust.CONTEXT), Frame(2, Trust.CFI))
CRASHED = Thread(1, True, UnwindEnd.OUTERMOST, frames=FRAMES)
OTHER = Thread(2, False, UnwindEnd.OUTERMOST, frames=(Frame(3, Trust.CONTEXT),))


def said(*classifiers: Classifier) -> dict[str, str]:
    """Owner to level and text."""
    found = remarks_on_conclusions([CRASHED, OTHER], classifiers)
    owners = {
        id(FRAMES[0]): "frame 0",
        id(FRAMES[1]): "frame 1",
        id(OTHER): "thread 2",
    }
    return {
        owners[owner]: "; ".join(f"{r.level} {r.message}" for r in remarks)
        for owner, remarks in found.items()
    }


def test_a_cause_is_remarked_on_its_frame_by_its_confidence() -> None:
    strong = Classifier("double-free", "strong", (), 1, frame=1, summary="freed x")
    maybe = Classifier("heap.overflow", "probable", (), 1, frame=0, summary="wrote y")
    assert said(strong, maybe) == {
        "frame 1": "critical double-free: freed x",
        "frame 0": "warning heap.overflow: wrote y",
    }


def test_what_happened_to_another_thread_is_said_there() -> None:
    stuck = Classifier("deadlock", "hint", (), 2, summary="waits for itself")
    assert said(stuck) == {"thread 2": "comment deadlock: waits for itself"}


def test_mechanisms_and_what_has_no_place_stay_in_the_verdict() -> None:
    write = Classifier("memory.write", "strong", (), 1, frame=0, summary="wrote")
    nowhere = Classifier("double-free", "strong", (), 1, summary="freed x")
    beyond = Classifier("double-free", "strong", (), 1, frame=9, summary="freed x")
    assert said(write, nowhere, beyond) == {}
