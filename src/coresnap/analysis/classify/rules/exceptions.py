"""What the C++ run-time says: exceptions that nobody caught, and other ends."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.messages.message import Message
from coresnap.model import Classifier

__all__ = ["RULES"]

_SEARCHED = 64
"""Frames in which the run-time's functions are looked for."""
_THROWING = ("__cxa_throw", "__cxa_rethrow", "std::rethrow_exception")
_TERMINATING = ("std::terminate", "__cxxabiv1::__terminate")
_NOEXCEPT = ("__cxa_call_terminate", "__clang_call_terminate", "__gxx_personality_v0")
_PURE = ("__cxa_pure_virtual", "__cxa_deleted_virtual")


class UncaughtException(Rule):
    """A C++ exception that nobody caught: its type by the object's ``type_info``, its
    text from the object. An exception that was caught leaves the same object, so that
    the stack has to show the throw."""

    names = ("exception.uncaught",)
    confidence = (CERTAIN, STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the exception object, or from the stack alone."""
        if _violates_noexcept(case):
            return
        message = _exception(case)
        frame = _outside(case, *_THROWING)
        if message is None:
            thrown = _index(case, "__cxa_throw") is not None
            if thrown and _index(case, *_TERMINATING) is not None:
                yield _by_stack("exception.uncaught", case, frame, "__cxa_throw")
            return
        state = message.parts.get("state")
        if state == "uncaught":
            sure = CERTAIN if message.found_by == "handler list" else STRONG
        elif state == "unknown" and _aborted(case):
            sure = PROBABLE
        else:
            return
        yield _thrown("exception.uncaught", sure, case, message, frame)


class NoexceptViolated(Rule):
    """An exception reached a function that must not throw (``noexcept``, a destructor
    during another exception): the run-time terminated the program."""

    names = ("noexcept",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the run-time's functions on the stack."""
        if not _violates_noexcept(case):
            return
        message = _exception(case)
        frame = _outside(case, *_THROWING, *_NOEXCEPT)
        if message is None:
            yield _by_stack("noexcept", case, frame, "the unwinder", CERTAIN)
        else:
            yield _thrown("noexcept", CERTAIN, case, message, frame)


class PureVirtualCall(Rule):
    """A pure or deleted virtual function was called: on an object whose constructor or
    destructor was running, or which was destroyed already."""

    names = ("pure-virtual",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from ``__cxa_pure_virtual`` on the stack."""
        index = _index(case, *_PURE)
        if index is not None:
            frame = _outside(case, *_PURE)
            name = case.frames[index].function
            summary = f"called a pure virtual function{_in(case, frame)}"
            evidence = (f"frame {index} is {name}",)
            yield Classifier(
                "pure-virtual", CERTAIN, evidence, case.tid, None, frame, "", summary
            )


class Terminated(Rule):
    """``std::terminate`` was called without an exception: a thread object destroyed
    while its thread ran, ``throw;`` outside of a handler, or by the program itself."""

    names = ("terminate",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where no other rule explains the call."""
        index = _index(case, *_TERMINATING)
        if index is None or _index(case, *_PURE) is not None:
            return
        if _violates_noexcept(case) or _exception(case) is not None:
            return
        rethrown = _index(case, "__cxa_rethrow", "std::rethrow_exception") is not None
        if _index(case, *_THROWING) is not None and not rethrown:
            return
        frame = _outside(case, *_TERMINATING, *_THROWING)
        if rethrown:
            why = "threw again where no exception was being handled"
        elif _destroys_thread(case):
            why = "destroyed a std::thread that was neither joined nor detached"
        else:
            why = "called std::terminate without an exception"
        yield Classifier(
            "terminate",
            CERTAIN,
            (f"frame {index} is {case.frames[index].function}",),
            case.tid,
            None,
            frame,
            "",
            why + _in(case, frame),
        )


class HandledException(Rule):
    """The program ended itself while it handled an exception, which may be why."""

    names = ("exception.handled",)
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from an exception object that the run-time's list leads to."""
        for message in case.messages:
            if message.kind == "exception" and message.parts.get("state") == "handled":
                yield _thrown("exception.handled", HINT, case, message, None)


def _exception(case: Case) -> Message | None:
    """What was thrown and not handled by the program."""
    for message in case.messages:
        if message.kind == "exception" and message.parts.get("state") != "handled":
            return message
    return None


def _destroys_thread(case: Case) -> bool:
    return any(
        (frame.function or "").endswith(("::thread::~thread", "::thread::operator="))
        for frame in case.frames[:_SEARCHED]
    )


def _violates_noexcept(case: Case) -> bool:
    return (
        _index(case, *_NOEXCEPT) is not None
        and _index(case, *_TERMINATING, "abort") is not None
    )


def _thrown(
    name: str, sure: str, case: Case, message: Message, frame: int | None
) -> Classifier:
    parts = message.parts
    what = f" ('{parts['what']}')" if "what" in parts else ""
    kind = parts.get("type", "an exception of unknown type")
    thrown = f"{kind}{what}{_in(case, frame)}"
    unsure = message.parts.get("state") == "unknown"
    end = ", or ended itself while it handled that" if unsure else ""
    summary = {
        "exception.handled": f"ended itself while it handled {thrown}",
        "noexcept": f"threw {thrown}, out of a function that must not throw",
    }.get(name, f"threw {thrown}, which nobody caught{end}")
    evidence = (
        f"{message.text}: object at {message.address:#x}, by {message.found_by}",
        *((f"mangled type {parts['mangled']}",) if "mangled" in parts else ()),
    )
    return Classifier(name, sure, evidence, message.tid, None, frame, "", summary)


def _by_stack(
    name: str, case: Case, frame: int | None, thrower: str, sure: str = STRONG
) -> Classifier:
    summary = f"threw an exception that nobody caught{_in(case, frame)}"
    evidence = (f"{thrower} and std::terminate are on the stack",)
    return Classifier(name, sure, evidence, case.tid, None, frame, "", summary)


def _index(case: Case, *functions: str) -> int | None:
    """Index of the innermost frame of one of these functions."""
    for index, frame in enumerate(case.frames[:_SEARCHED]):
        if frame.function in functions:
            return index
    return None


def _outside(case: Case, *functions: str) -> int | None:
    """Index of the first frame outside the run-time, outwards of the outermost of these
    functions; None if none of them is there."""
    inner = case.frames[:_SEARCHED]
    found = [i for i, frame in enumerate(inner) if frame.function in functions]
    if not found:
        return None
    start = found[-1] + 1
    index = first_outside_libraries(case.frames[start:])
    return None if index is None else start + index


def _in(case: Case, frame: int | None) -> str:
    name = None if frame is None else case.frames[frame].function
    return f" in {name}" if name else ""


def _aborted(case: Case) -> bool:
    return case.signal is not None and case.signal.name == "SIGABRT"


RULES: tuple[Rule, ...] = (
    UncaughtException(),
    NoexceptViolated(),
    PureVirtualCall(),
    Terminated(),
    HandledException(),
)
