"""The parts of the score, each 0–1 with what it lost and what would bring it back."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.analysis.capture import CaptureFacts
from coresnap.analysis.quality.remedies import (
    capture_remedy,
    end_remedy,
    module_remedy,
    variables_remedy,
)
from coresnap.model import Frame, Module, QualityPart, Thread, Trust, UnwindEnd

__all__ = ["Reading", "parts_of"]

_TOP = 5
_TRUST = {
    Trust.CONTEXT: 1.0,
    Trust.CFI: 1.0,
    Trust.INTERPRETER: 1.0,
    Trust.PROLOGUE: 0.8,
    Trust.FRAME_POINTER: 0.6,
    Trust.SCAN: 0.2,
}
_KEPT_MEMORY = {"stacks": 0.7, "notes": 0.0}
"""What the memory is worth on a rung below the full core."""
_TRUNCATED_MEMORY = 0.4
_CUT_STACK = 0.7
"""What a stack is worth whose outer end was not reached."""
_OF_THE_SYSTEM = ("/usr/lib", "/lib")
"""Nobody builds these again for a crash."""
_CLEAN_ENDS = {UnwindEnd.OUTERMOST, UnwindEnd.ZERO_RETURN_ADDRESS}


class Reading(msgspec.Struct, frozen=True):
    """What is scored: threads (crashed first), their modules, how whole the core is."""

    threads: Sequence[Thread]
    modules: Sequence[Module]
    truncated: bool
    capture: CaptureFacts

    @property
    def crashed(self) -> Thread:
        """The thread that matters most."""
        return self.threads[0]

    def module(self, frame: Frame) -> Module | None:
        """The module that a frame stands in."""
        return next((m for m in self.modules if m.path == frame.module), None)

    def crashed_modules(self) -> list[Module]:
        """Modules that the crashed thread's stack runs through."""
        paths = {frame.module for frame in self.crashed.frames}
        return [module for module in self.modules if module.path in paths]


def parts_of(reading: Reading) -> tuple[QualityPart, ...]:
    """The six parts; their weights add up to 100."""
    crashed = reading.crashed.frames
    others = [f for thread in reading.threads[1:] for f in thread.frames]
    return (
        _names("top frames", 30, crashed[:_TOP], reading),
        _names("crashed thread", 20, crashed, reading),
        _names("other threads", 10, others, reading, if_none=1.0),
        _unwinding(15, reading),
        _memory(15, reading),
        _variables(10, reading),
    )


def _names(
    name: str,
    weight: int,
    frames: Sequence[Frame],
    reading: Reading,
    if_none: float = 0.0,
) -> QualityPart:
    """Full marks for function and line, half for a function alone."""
    if not frames:
        return QualityPart(name, weight, if_none, "" if if_none else "no frames")
    points = sum((f.function is not None) + (f.line is not None) for f in frames)
    value = points / (2 * len(frames))
    bare = next((f for f in frames if f.function is None or f.line is None), None)
    if bare is None:
        return QualityPart(name, weight, value)
    reason = f"no debug information for {bare.module or '?'}"
    return QualityPart(
        name,
        weight,
        value,
        reason,
        module_remedy(reading.module(bare), reading.capture),
    )


def _unwinding(weight: int, reading: Reading) -> QualityPart:
    thread = reading.crashed
    value = sum(_TRUST[frame.trust] for frame in thread.frames) / len(thread.frames)
    guessed = [f for f in thread.frames if _TRUST[f.trust] < 1]
    reason = remedy = ""
    if guessed:
        how = guessed[0].trust.value
        reason = f"{len(guessed)} of {len(thread.frames)} frames found by {how}"
        remedy = module_remedy(reading.module(guessed[0]), reading.capture)
    if thread.end not in _CLEAN_ENDS:
        value *= _CUT_STACK
        reason = f"the stack ends with {thread.end.value}"
        remedy = end_remedy(thread.end)
    return QualityPart("unwinding", weight, value, reason, remedy)


def _memory(weight: int, reading: Reading) -> QualityPart:
    value = _KEPT_MEMORY.get(reading.capture.rung or "", 1.0)
    reason = reading.capture.explanation if value < 1 else ""
    remedy = capture_remedy(reading.capture) if value < 1 else ""
    if reading.truncated and value > _TRUNCATED_MEMORY:
        value, reason = _TRUNCATED_MEMORY, "the core is truncated"
        remedy = "Let coresnap take the next core, or raise RLIMIT_CORE (ulimit -c)."
    return QualityPart("memory", weight, value, reason, remedy)


def _variables(weight: int, reading: Reading) -> QualityPart:
    variables = [v for frame in reading.crashed.frames for v in frame.variables]
    if not variables:
        reason = "there are no variables in the crashed thread"
        modules = [m for m in reading.crashed_modules() if m.symbols != "dwarf"]
        remedy = module_remedy(modules[0] if modules else None, reading.capture)
        return QualityPart("variables", weight, 0.0, reason, remedy)
    missing = [v.missing for v in variables if v.missing is not None]
    value = 1 - len(missing) / len(variables)
    if not missing:
        return QualityPart("variables", weight, value)
    reason = "some variables of the crashed thread have no value"
    own = [
        variable.missing
        for frame in reading.crashed.frames
        if not (frame.module or "").startswith(_OF_THE_SYSTEM)
        for variable in frame.variables
        if variable.missing is not None
    ]
    return QualityPart("variables", weight, value, reason, variables_remedy(own))
