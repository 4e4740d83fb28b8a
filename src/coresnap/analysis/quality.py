"""The quality score: how comprehensible a snapshot is, and what costs it most.

Six parts, each 0–1, weighted to 100; caps apply where one defect spoils the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.analysis.capture import CaptureFacts
from coresnap.model import Frame, Module, Thread, Trust, UnwindEnd, Variable

__all__ = ["Quality", "record_quality", "score_quality"]

_TOP = 5
_WEIGHTS = {
    "top frames": 30,
    "crashed thread": 20,
    "other threads": 10,
    "unwinding": 15,
    "memory": 15,
    "variables": 10,
}
_TRUST = {
    Trust.CONTEXT: 1.0,
    Trust.CFI: 1.0,
    Trust.INTERPRETER: 1.0,
    Trust.PROLOGUE: 0.8,
    Trust.FRAME_POINTER: 0.6,
    Trust.SCAN: 0.2,
}
_WHOLE = CaptureFacts()
_KEPT_MEMORY = {"stacks": 0.7, "notes": 0.0}
"""What the memory is worth on a rung below the full core."""
_RECORD = 5
"""The program and the signal are known, and nothing of the fault itself."""
_CLEAN_ENDS = {UnwindEnd.OUTERMOST, UnwindEnd.ZERO_RETURN_ADDRESS}


class Quality(msgspec.Struct, frozen=True):
    """A score and its explanation."""

    score: int
    """0–100."""
    reason: str
    """The largest deduction in words; empty for a full score."""


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
    parts = _parts(threads, truncated, capture)
    losses = {name: _WEIGHTS[name] * (1 - value) for name, value in parts.items()}
    score = 100 - sum(losses.values())
    worst = max(losses, key=lambda name: losses[name])
    why = _explain(worst, threads, truncated, capture)
    reason = f"{worst}: {why}" if losses[worst] >= 1 else ""
    limit, why = _cap(_modules_of(threads[0], modules), truncated, capture)
    # Without memory nothing else that is missing says more.
    if score > limit or capture.rung == "notes":
        return Quality(min(round(score), limit), why)
    return Quality(round(score), reason)


def record_quality(explanation: str) -> Quality:
    """Score a snapshot without a core; ``explanation`` says why there is none."""
    return Quality(_RECORD, explanation)


def _parts(
    threads: Sequence[Thread], truncated: bool, capture: CaptureFacts
) -> dict[str, float]:
    crashed, others = threads[0], threads[1:]
    other_frames = [frame for thread in others for frame in thread.frames]
    variables = [v for frame in crashed.frames for v in frame.variables]
    return {
        "top frames": _named(crashed.frames[:_TOP]),
        "crashed thread": _named(crashed.frames),
        "other threads": _named(other_frames) if other_frames else 1.0,
        "unwinding": _trust(crashed),
        "memory": min(
            0.4 if truncated else 1.0, _KEPT_MEMORY.get(capture.rung or "", 1.0)
        ),
        "variables": _resolved(variables),
    }


def _named(frames: Sequence[Frame]) -> float:
    """Full marks for function and line, half for a function alone."""
    if not frames:
        return 0.0
    points = sum((f.function is not None) + (f.line is not None) for f in frames)
    return points / (2 * len(frames))


def _trust(thread: Thread) -> float:
    mean = sum(_TRUST[frame.trust] for frame in thread.frames) / len(thread.frames)
    return mean if thread.end in _CLEAN_ENDS else mean * 0.7


def _resolved(variables: Sequence[Variable]) -> float:
    if not variables:
        return 0.0
    return sum(v.missing is None for v in variables) / len(variables)


def _explain(
    part: str, threads: Sequence[Thread], truncated: bool, capture: CaptureFacts
) -> str:
    crashed = threads[0]
    if part == "unwinding":
        return f"the stack ends with {crashed.end.value}"
    if part == "memory":
        return "the core is truncated" if truncated else capture.explanation
    if part == "variables":
        return "some variables of the crashed thread have no value"
    frames = threads[-1].frames if part == "other threads" else crashed.frames
    bare = next((f for f in frames if f.function is None or f.line is None), None)
    return f"no debug information for {bare.module or '?'}" if bare else "few frames"


def _modules_of(thread: Thread, modules: Sequence[Module]) -> list[Module]:
    paths = {frame.module for frame in thread.frames}
    return [module for module in modules if module.path in paths]


def _cap(
    modules: Sequence[Module], truncated: bool, capture: CaptureFacts
) -> tuple[int, str]:
    if capture.rung == "notes":
        return 40, capture.explanation
    # A file whose build-id differs is named in the problem, and not used.
    if any(m.file is None and "build-id" in (m.problem or "") for m in modules):
        return 50, "a file on disk is not the one that crashed (build-id)"
    if truncated:
        return 70, "the core is truncated"
    if modules and all(m.file is None for m in modules):
        return 60, "neither the executable nor a library could be read"
    return 100, ""
