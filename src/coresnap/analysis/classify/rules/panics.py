"""What the run-times of Rust, Go and Python say before they give up."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, PROBABLE, Rule
from coresnap.analysis.messages.message import Message
from coresnap.model import Classifier

__all__ = ["RULES"]


class Panicked(Rule):
    """A run-time's panic, or its own fatal error: Rust, Go, CPython. Message and place
    are read from the arguments of the panic's functions, or from the stack."""

    names = ("panic",)
    confidence = (CERTAIN, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from what the finders read, which know the functions."""
        for message in case.messages:
            if message.kind == "panic":
                yield _panic(case, message)


def _panic(case: Case, message: Message) -> Classifier:
    parts = message.parts
    place = parts.get("file", "")
    if place and "line" in parts:
        place += f":{parts['line']}"
    where = f" at {place}" if place else ""
    language = parts.get("language", "")
    said = f": {parts['what']}" if parts.get("what") else ""
    sure = PROBABLE if parts.get("state") == "unknown" else CERTAIN
    evidence = [f"{message.text}: found by {message.found_by}"]
    if message.address:
        evidence.append(f"text at {message.address:#x}")
    frame = int(parts["frame"]) if parts.get("frame", "").isdigit() else None
    if frame is not None and frame >= len(case.frames):
        frame = None
    summary = f"panicked ({language}){where}{said}"
    return Classifier(
        "panic", sure, tuple(evidence), message.tid, None, frame, "", summary
    )


RULES: tuple[Rule, ...] = (Panicked(),)
