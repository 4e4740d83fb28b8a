"""Memory that ran out, by the word of who asked for it."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import PROBABLE, STRONG, Rule
from coresnap.model import Classifier

__all__ = ["RULES"]

_SEARCHED = 64
_OUT_OF_MEMORY = "St9bad_alloc"
_EXHAUSTED = (
    "out of memory",
    "failed to allocate",
    "cannot allocate memory",
    "memory exhausted",
)
"""How GLib, Go and many programs call it, in lower case."""
_ALLOCATION_HANDLERS = (
    "alloc::alloc::handle_alloc_error",
    "std::alloc::rust_oom",
    "__rust_alloc_error_handler",
)


class AllocationFailed(Rule):
    """``std::bad_alloc``, Rust's handler of failed allocations, or a message that says
    so ended the program: memory ran out, or was asked for beyond all bounds."""

    names = ("oom",)
    confidence = (STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the type of the exception, or from the handler's frame."""
        for index, frame in enumerate(case.frames[:_SEARCHED]):
            if frame.function in _ALLOCATION_HANDLERS:
                yield _out_of_memory(case, (f"frame {index} is {frame.function}",))
                break
        for message in case.messages:
            words = message.parts.get("reason", message.parts.get("what", "")).lower()
            if any(phrase in words for phrase in _EXHAUSTED):
                evidence = (f"message at {message.address:#x}: {message.text}",)
                yield _out_of_memory(case, evidence)
            parts = message.parts
            if parts.get("state") == "handled":
                continue
            if _OUT_OF_MEMORY in parts.get("bases", "").split():
                said = f"exception object at {message.address:#x}: {message.text}"
                unsure = parts.get("state") == "unknown"
                yield _out_of_memory(case, (said,), PROBABLE if unsure else STRONG)


def _out_of_memory(
    case: Case, evidence: tuple[str, ...], sure: str = STRONG
) -> Classifier:
    frame = first_outside_libraries(case.frames)
    name = None if frame is None else case.frames[frame].function
    summary = "could not allocate memory" + (f" in {name}" if name else "")
    return Classifier("oom", sure, evidence, case.tid, None, frame, "", summary)


RULES: tuple[Rule, ...] = (AllocationFailed(),)
