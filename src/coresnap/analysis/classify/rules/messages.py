"""What the C library, or another one, said before it gave up."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, STRONG, Rule
from coresnap.analysis.classify.rules.malloc_words import is_of_malloc
from coresnap.analysis.classify.said import said
from coresnap.analysis.messages.message import Message
from coresnap.model import Classifier

__all__ = ["RULES"]

_SEARCHED = 32
"""Frames in which libc's checking functions are looked for."""
_ASSERTING = frozenset({"__assert_fail", "__assert_fail_base", "__assert_perror_fail"})
_FORTIFIED = (
    "buffer overflow detected",
    "bit out of range 0 - FD_SETSIZE on fd_set",
    "invalid %N$ use detected",
    "%n in writable segment",
    "longjmp causes uninitialized stack frame",
)
_STACK = "stack smashing detected"


class AssertionFailed(Rule):
    """assert(3), or what stands for it, left its text: the expression that was false,
    with file, line and function as far as the text has them."""

    names = ("assert",)
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the expression in a message."""
        for message in case.messages:
            if _is_assertion(case, message):
                words = message.parts.get("expression", message.text)
                summary = f"failed the assertion '{words}'{_place(message)}"
                yield said("assert", case, message, summary)


class StackSmashed(Rule):
    """libc found the canary of a function overwritten (``stack smashing detected``):
    something wrote past the end of one of its local arrays."""

    names = ("stack-smash", "security")
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the message, or from ``__stack_chk_fail`` on the stack."""
        frame = _caller_of(case, "__stack_chk_fail", "__stack_chk_fail_local")
        function = _function_at(case, frame)
        where = f" of {function}()" if function else ""
        summary = f"overran a local array{where}: its stack canary was overwritten"
        for message in _with_reason(case, _STACK):
            yield said("stack-smash", case, message, summary, frame=frame)
            yield said("security", case, message, frame=frame)
            return
        if frame is not None:
            evidence = ("__stack_chk_fail is on the stack",)
            yield Classifier(
                "stack-smash", STRONG, evidence, case.tid, None, frame, "", summary
            )
            yield Classifier("security", STRONG, evidence, case.tid, None, frame)


class FortifyFailed(Rule):
    """A checked function of libc (``_FORTIFY_SOURCE``) was asked to write past the end
    of an object, or to do something else that only attackers and bugs do."""

    names = ("fortify", "security")
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the message, or from ``__chk_fail`` on the stack."""
        checked = _checked_function(case)
        by = f" by {checked}" if checked else ""
        for message in _with_reason(case, *_FORTIFIED):
            words = message.parts["reason"].partition(" ***")[0]
            yield said("fortify", case, message, f"was stopped{by}: {words}")
            yield said("security", case, message)
            return
        if _caller_of(case, "__chk_fail", "__fortify_chk_fail") is not None:
            evidence = ("__chk_fail is on the stack",)
            frame = first_outside_libraries(case.frames)
            summary = f"was stopped{by}: it would have written past an object's end"
            yield Classifier(
                "fortify", STRONG, evidence, case.tid, None, frame, "", summary
            )
            yield Classifier("security", STRONG, evidence, case.tid, None, frame)


class FatalError(Rule):
    """The C library, or another library, gave up for a reason of its own."""

    names = ("fatal",)
    confidence = (CERTAIN, STRONG)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from messages that no other rule explains."""
        for message in case.messages:
            reason = message.parts.get("reason")
            if reason is None or _is_assertion(case, message):
                continue
            if is_of_malloc(message):
                continue
            if reason.startswith((*_FORTIFIED, _STACK)):
                continue
            yield said("fatal", case, message, f"gave up: {reason}")


def _is_assertion(case: Case, message: Message) -> bool:
    """By its words, or where they are in another language by who said them."""
    if "expression" in message.parts:
        return not is_of_malloc(message)
    functions = {frame.function for frame in case.frames[:_SEARCHED]}
    return message.kind == "abort" and not functions.isdisjoint(_ASSERTING)


def _with_reason(case: Case, *starts: str) -> Iterator[Message]:
    for message in case.messages:
        if message.parts.get("reason", "").startswith(starts):
            yield message


def _place(message: Message) -> str:
    parts = message.parts
    function, file, line = (parts.get(n) for n in ("function", "file", "line"))
    words = f" in {function}" if function else ""
    if file:
        words += f" at {file}:{line}" if line else f" in {file}"
    return words


def _caller_of(case: Case, *functions: str) -> int | None:
    for index, frame in enumerate(case.frames[:_SEARCHED]):
        if frame.function in functions:
            return index + 1 if index + 1 < len(case.frames) else None
    return None


def _function_at(case: Case, frame: int | None) -> str | None:
    return None if frame is None else case.frames[frame].function


def _checked_function(case: Case) -> str | None:
    for frame in case.frames[:_SEARCHED]:
        name = (frame.function or "").removeprefix("__GI_")
        if name.endswith("_chk") and name.startswith("__"):
            return name[2:-4]
    return None


RULES: tuple[Rule, ...] = (
    AssertionFailed(),
    StackSmashed(),
    FortifyFailed(),
    FatalError(),
)
