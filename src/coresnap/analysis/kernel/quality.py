"""How comprehensible a kernel's snapshot is: words, the stack, symbols, threads."""

from __future__ import annotations

from collections.abc import Sequence

from coresnap.analysis.kernel.case import KernelCase
from coresnap.analysis.kernel.evidence import Evidence
from coresnap.analysis.quality.score import Quality
from coresnap.model import Frame, QualityPart

__all__ = ["kernel_quality"]

_GIVE_KERNEL = (
    "Name the file of the kernel that panicked: `coresnap analyze DUMP KERNEL`."
)
_PRINT_STACK = "options KDB and KDB_TRACE make a kernel print its stack as it panics."


def kernel_quality(
    evidence: Evidence, case: KernelCase, frames: Sequence[Frame]
) -> Quality:
    """Score what is known of the panic."""
    parts = (
        _part("panic", 20, bool(case.panic.text), "no panic string is known"),
        _part(
            "messages",
            20,
            bool(evidence.message_buffer),
            "there is no message buffer",
        ),
        _part("stack", 30, bool(frames), "no stack is known", _PRINT_STACK),
        QualityPart(
            "symbols",
            20,
            _named(frames),
            "" if _named(frames) == 1 else "not every frame has a line",
            "" if _named(frames) == 1 else _GIVE_KERNEL,
        ),
        _part(
            "threads",
            10,
            len(evidence.threads) > 1,
            "only the thread that panicked is known",
            _GIVE_KERNEL,
        ),
    )
    score = sum(part.weight * part.value for part in parts)
    worst = max(parts, key=lambda part: part.weight * (1 - part.value))
    reason = f"{worst.name}: {worst.reason}" if worst.value < 1 else ""
    return Quality(round(score), reason, parts)


def _part(
    name: str, weight: int, good: bool, reason: str, remedy: str = ""
) -> QualityPart:
    if good:
        return QualityPart(name, weight, 1.0)
    return QualityPart(name, weight, 0.0, reason, remedy)


def _named(frames: Sequence[Frame]) -> float:
    """Half a point for a name, the other half for its line."""
    if not frames:
        return 0.0
    got = sum(
        (frame.function is not None) + (frame.line is not None) for frame in frames
    )
    return got / (2 * len(frames))
