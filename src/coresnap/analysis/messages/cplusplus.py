"""The C++ exception that a process terminated over, as a message."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.thrown import find_thrown
from coresnap.analysis.messages.type_information import base_names, type_name
from coresnap.analysis.messages.what import STRINGS, what_of
from coresnap.analysis.messages.wording import readable
from coresnap.model import UnwindEnd

__all__ = ["THROWING", "find_exception"]

THROWING = frozenset(
    {
        "_Unwind_RaiseException",
        "__clang_call_terminate",
        "__cxa_call_terminate",
        "__cxa_call_unexpected",
        "__cxa_rethrow",
        "__cxa_throw",
        "__gxx_personality_v0",
        "std::rethrow_exception",
    }
)
"""Functions that stand between an exception that nobody catches and the end."""
_TERMINATING = frozenset({"std::terminate", "__cxxabiv1::__terminate"})
_SEARCHED = 64
_COMPLETE = frozenset({UnwindEnd.OUTERMOST, UnwindEnd.ZERO_RETURN_ADDRESS})


def find_exception(process: DeadProcess) -> Iterator[Message]:
    """Yield the exception that the crashed thread handled or terminated over.

    ``parts``: ``type`` (demangled), ``mangled``, ``what``, ``bases`` (mangled, with
    blanks between), ``language``, and ``state``: ``uncaught`` where the stack shows
    who threw it, ``handled`` where it shows a program that aborted by itself, else
    ``unknown``.
    """
    functions = {frame.function for frame in process.frames[:_SEARCHED]}
    state = "unknown"
    if functions & THROWING:
        state = "uncaught"
    elif _is_whole(process) and not functions & _TERMINATING:
        state = "handled"
    thrown = find_thrown(process, listed=state == "handled")
    if thrown is None:
        return
    name = type_name(process, thrown.type)
    bases = base_names(process, thrown.type)
    what = what_of(process, thrown, name, bases)
    parts = {
        "type": _demangled(name) if name else "",
        "mangled": name or "",
        "what": readable(what) if what else "",
        "bases": " ".join(sorted(bases)),
        "language": "C++",
        "state": state,
    }
    text = ": ".join(part for part in (parts["type"], parts["what"]) if part)
    yield Message(
        "exception",
        text or "an exception of unknown type",
        thrown.address,
        thrown.found_by,
        process.tid,
        {key: value for key, value in parts.items() if value},
    )


def _is_whole(process: DeadProcess) -> bool:
    """Whether a C++ run-time on the stack would be seen: functions have names, and the
    stack does not end where the core does."""
    if not process.threads or process.threads[0].end not in _COMPLETE:
        return False
    inner = process.frames[:_SEARCHED]
    return sum(frame.function is not None for frame in inner) * 2 > len(inner)


def _demangled(name: str) -> str:
    if name.startswith(STRINGS):
        return "std::string"
    # Not before: a program in C has no use for it.
    from coresnap.analysis.demangle.cplusplus import demangle_cplusplus

    symbol = demangle_cplusplus(f"_ZTS{name}")
    return name if symbol is None else symbol.removeprefix("typeinfo name for ")
