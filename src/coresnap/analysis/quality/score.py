"""The score: six parts of 100 points, and caps where one defect spoils all."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.analysis.capture import CaptureFacts
from coresnap.analysis.quality.parts import Reading, parts_of
from coresnap.analysis.quality.remedies import capture_remedy
from coresnap.model import Module, QualityPart, Thread

__all__ = ["Quality", "record_quality", "score_quality"]

_WHOLE = CaptureFacts()
_RECORD = 5
"""The program and the signal are known, and nothing of the fault itself."""


class Quality(msgspec.Struct, frozen=True):
    """A score and its explanation."""

    score: int
    """0–100."""
    reason: str
    """The largest deduction in words; empty for a full score."""
    parts: tuple[QualityPart, ...] = ()


def score_quality(
    threads: Sequence[Thread],
    modules: Sequence[Module],
    *,
    truncated: bool,
    capture: CaptureFacts = _WHOLE,
) -> Quality:
    """Score a snapshot from its threads (crashed first), modules and completeness.

    ``capture`` tells how much of the core was kept at all.
    """
    if not threads or not threads[0].frames:
        return Quality(0, "no thread could be unwound")
    reading = Reading(threads, modules, truncated, capture)
    parts = parts_of(reading)
    score = sum(part.weight * part.value for part in parts)
    worst = max(parts, key=_loss)
    reason = f"{worst.name}: {worst.reason}" if _loss(worst) >= 1 else ""
    limit, why = _cap(reading)
    # Without memory nothing else that is missing says more.
    if score > limit or capture.rung == "notes":
        return Quality(min(round(score), limit), why, parts)
    return Quality(round(score), reason, parts)


def record_quality(capture: CaptureFacts) -> Quality:
    """Score a snapshot without a core; ``capture`` says why there is none."""
    reason = capture.explanation
    part = QualityPart("record", 100, _RECORD / 100, reason, capture_remedy(capture))
    return Quality(_RECORD, reason, (part,))


def _loss(part: QualityPart) -> float:
    return part.weight * (1 - part.value)


def _cap(reading: Reading) -> tuple[int, str]:
    modules = reading.crashed_modules()
    if reading.capture.rung == "notes":
        return 40, reading.capture.explanation
    # A file whose build-id differs is named in the problem, and not used.
    if any(m.file is None and "build-id" in (m.problem or "") for m in modules):
        return 50, "a file on disk is not the one that crashed (build-id)"
    if reading.truncated:
        return 70, "the core is truncated"
    if modules and all(m.file is None for m in modules):
        return 60, "neither the executable nor a library could be read"
    return 100, ""
