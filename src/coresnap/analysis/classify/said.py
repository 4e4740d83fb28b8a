"""A conclusion from what a message says."""

from __future__ import annotations

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, STRONG
from coresnap.analysis.messages.message import Message
from coresnap.model import Classifier

__all__ = ["said"]


def said(
    name: str,
    case: Case,
    message: Message,
    summary: str = "",
    *,
    address: int | None = None,
    frame: int | None = None,
    confidence: str | None = None,
    more: tuple[str, ...] = (),
) -> Classifier:
    """A conclusion from a message: certain, unless several claim to be the one."""
    same = sum(other.kind == message.kind for other in case.messages)
    if confidence is None:
        confidence = CERTAIN if same == 1 or message.found_by == "symbol" else STRONG
    if frame is None:
        frame = first_outside_libraries(case.frames)
    evidence = f"message at {message.address:#x}, by {message.found_by}: {message.text}"
    return Classifier(
        name, confidence, (evidence, *more), message.tid, address, frame, "", summary
    )
