"""What besides frames tells faults apart: the kind of failure, and what it said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from coresnap.analysis.fingerprint.names import normalise_function
from coresnap.analysis.fingerprint.passes import ABORT, RAISED_AGAIN

if TYPE_CHECKING:
    from coresnap.analysis.messages.message import Message
    from coresnap.model import Frame, Signal

__all__ = [
    "FAMILIES",
    "PANIC",
    "Circumstances",
    "circumstances_of",
    "family_of",
    "recorded_circumstances",
]

FAMILIES = {
    "SIGSEGV": "memory",
    "SIGBUS": "memory",
    "SIGILL": "trap",
    "SIGTRAP": "trap",
    "SIGFPE": "arithmetic",
    "SIGSYS": "system-call",
    "SIGABRT": "abort",
}
"""One address is SIGBUS on FreeBSD and SIGSEGV on Linux; one trap instruction is SIGILL
on x86 and SIGTRAP on ARM. Other signals go by their names."""
PANIC = "panic"
"""In place of a signal: what ends a kernel."""
_OVERFLOW_REACH = 1 << 16
"""Bytes between stack pointer and fault: a large frame touches the guard first."""
_OVERFLOW_DEPTH = 64
_LONGEST_MESSAGE = 200
_HEAP_WORDS = (
    "free()",
    "malloc()",
    "malloc_consolidate()",
    "realloc()",
    "double free",
    "munmap_chunk()",
    "corrupted ",
    "mremap_chunk()",
    "calloc()",
)
# Whoever calls free with a wrong pointer is where the fault is.
_PROMPT_CLASSIFIERS = frozenset({"double-free", "invalid-free"})
_PROMPT = ("double free detected", "invalid pointer", "fasttop")


class Circumstances(msgspec.Struct, frozen=True):
    """What is known of a fault besides its frames."""

    signal: str
    """Its name; ``none`` for a core of a live process."""
    sent: bool = False
    """Another process sent it: no instruction failed."""
    overflow: bool = False
    """The stack is exhausted."""
    said: str = ""
    """The family that a message tells of; empty for none."""
    message: str = ""
    """Expression of an assertion, type of an exception: without what changes."""
    prompt: bool = False
    """The heap's message accuses the caller itself."""
    system: str = ""
    attributes: Mapping[str, Any] = {}
    """Of the snapshot, for rulesets that sign one."""


def family_of(circumstances: Circumstances, failure: str) -> str:
    """The kind of failure, by which faults are told apart before their frames.

    ``failure`` is what the frames say, ``drop_what_stopped_it``'s.
    """
    signal = circumstances.signal
    by_signal = FAMILIES.get(signal, signal.removeprefix("SIG").lower())
    if failure == RAISED_AGAIN:
        return by_signal
    if circumstances.sent and signal != "SIGABRT" and failure != ABORT:
        return f"sent {signal}"
    if circumstances.overflow:
        return "stack-overflow"
    if failure and failure != ABORT:
        return failure
    # Memory may hold what was said of an exception that was caught long ago.
    believed = failure == ABORT or signal == "SIGABRT"
    return (believed and circumstances.said) or failure or by_signal


def circumstances_of(
    signal: Signal | None,
    frames: Sequence[Frame],
    messages: Sequence[Message] = (),
    classifiers: Sequence[str] = (),
    system: str = "",
    pid: int | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Circumstances:
    """Draw them from what the other steps found."""
    said, message, prompt = _said(messages)
    prompt = prompt or not _PROMPT_CLASSIFIERS.isdisjoint(classifiers)
    return Circumstances(
        signal.name if signal is not None else "none",
        _is_sent(signal, pid),
        "stack-overflow" in classifiers or _is_overflow(signal, frames),
        said,
        message,
        prompt,
        system,
        attributes or {},
    )


def recorded_circumstances(
    signal: Signal | None, system: str, pid: int | None, attributes: Mapping[str, Any]
) -> Circumstances:
    """Those of a snapshot, whose attributes keep what messages and memory told."""
    family = str(attributes.get("fingerprint.family", ""))
    without = PANIC if "kernel.panic" in attributes else "none"
    return Circumstances(
        signal.name if signal is not None else without,
        _is_sent(signal, pid),
        family == "stack-overflow",
        "" if family == "stack-overflow" else family,
        str(attributes.get("fingerprint.message", "")),
        not attributes.get("fingerprint.late", 0),
        system,
        attributes,
    )


def _is_sent(signal: Signal | None, pid: int | None) -> bool:
    """By another: a handler that puts the default back sends its own once more."""
    return signal is not None and signal.sender_pid not in (None, pid)


def _is_overflow(signal: Signal | None, frames: Sequence[Frame]) -> bool:
    """A fault at the stack pointer, below many frames."""
    if signal is None or signal.address is None or len(frames) < _OVERFLOW_DEPTH:
        return False
    pointer = frames[0].stack_pointer
    if FAMILIES.get(signal.name) != "memory" or pointer is None:
        return False
    return abs(signal.address - pointer) <= _OVERFLOW_REACH


def _said(messages: Sequence[Message]) -> tuple[str, str, bool]:
    """The family that a message tells of, what counts of it, whether it is prompt."""
    for one in sorted(messages, key=_rank):
        expression, type_ = one.parts.get("expression"), one.parts.get("type")
        if one.kind == "exception" and type_:
            return "exception", normalise_function(type_), False
        if expression:
            return "assert", " ".join(expression.split())[:_LONGEST_MESSAGE], False
        if one.kind == "panic":
            return "panic", "", False
        if found := _reason(one.parts.get("reason", one.text)):
            return found
    return "", "", False


def _rank(message: Message) -> int:
    """Of two messages one may be from before."""
    return message.parts.get("state") not in (None, "uncaught")


def _reason(reason: str) -> tuple[str, str, bool] | None:
    if reason.startswith("stack smashing"):
        return "stack-smash", "", False
    if reason.startswith("buffer overflow detected"):
        return "fortify", "", False
    if reason.startswith(_HEAP_WORDS):
        return "heap", "", any(word in reason for word in _PROMPT)
    return None
