"""What the rules do to a stack, one pass after the other, innermost frame first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from coresnap.analysis.fingerprint.lines import Fate, Line
from coresnap.analysis.fingerprint.policies import Rule, policies

__all__ = [
    "ABORT",
    "HEAP",
    "RAISED_AGAIN",
    "drop_interpreter",
    "drop_library_internals",
    "drop_plumbing",
    "drop_what_says_nothing",
    "drop_what_stopped_it",
    "end_at_start",
]

_INNER_END = 64
"""Frames that may belong to what stopped the process."""
HEAP = "heap"
ABORT = "abort"
RAISED_AGAIN = "raised again"
"""A handler caught the fault's signal and sent it once more."""


def end_at_start(lines: Sequence[Line]) -> None:
    """End the stack where the same code stands above every program."""
    stop: Rule | None = None
    for line in lines:
        if stop is None and line.signed and line.name and not line.frame.interpreter:
            stop = policies().stop.find(line.name, line.module)
        if stop is not None:
            line.drop(stop.label, Fate.STOPPED)


def drop_what_stopped_it(lines: Sequence[Line]) -> str:
    """Drop the frames at the inner end by which the process stopped itself.

    Returns the family of the failure that they tell of; empty for none.
    """
    found = list(_failures(lines[:_INNER_END]))
    if not found:
        return ""
    families = [rule.section.argument for _, rule in found]
    last, outermost = found[-1]
    rules = {at: rule.label for at, rule in found}
    for at, line in enumerate(lines[: last + 1]):
        line.drop(rules.get(at, f"inside of {outermost.label}"))
    if outermost.section.argument == HEAP:
        lines[last].shown = True
    family = next((one for one in families if one != ABORT), ABORT)
    if family == ABORT and _drop_handler(lines, last):
        return RAISED_AGAIN
    return family


def _failures(lines: Sequence[Line]) -> Iterator[tuple[int, Rule]]:
    """Frames that a rule says to be a failure's, up to the first of the program."""
    for at, line in enumerate(lines):
        if line.frame.interpreter is not None or line.fate is Fate.STOPPED:
            return
        if line.frame.signal_frame:
            continue
        rule = policies().failure.find(line.name, line.module) if line.name else None
        if rule is not None:
            yield at, rule
        elif line.signed and not _is_library(line):
            return


def _drop_handler(lines: Sequence[Line], last: int) -> bool:
    """Drop a handler that sent its own signal again: the fault is what it interrupted.

    One that calls abort decided to, and stays.
    """
    if any(line.name == "abort" for line in lines[: last + 1]):
        return False
    for at, line in enumerate(lines[:_INNER_END]):
        if at > last and line.frame.signal_frame:
            for inside in lines[last + 1 : at + 1]:
                inside.drop("a signal handler that raised its signal again")
            return True
    return False


def drop_what_says_nothing(lines: Sequence[Line]) -> None:
    """Drop what stands between and inside of what the program called.

    Of a stack that has nothing else one frame is left: compilers may put all of a
    thread's function into what calls it.
    """
    said = [line for line in lines if line.signed]
    drop_plumbing(lines)
    drop_interpreter(lines)
    drop_library_internals(lines)
    drop_entry(lines)
    if said and not any(line.signed for line in said):
        first = next((line for line in said if line.name), said[0])
        first.fate, first.rule = Fate.KEPT, "nothing else is left"
        first.signed = first.shown = True


def drop_plumbing(lines: Sequence[Line]) -> None:
    """Drop what stands between a call and the function that was called."""
    for line in lines:
        if line.signed and (rule := _plumbing(line)):
            line.drop(rule)


def _plumbing(line: Line) -> str:
    if line.frame.signal_frame:
        return "signal trampoline"
    if not line.name or line.frame.interpreter is not None:
        return ""
    rule = policies().plumbing.find(line.name, line.module)
    return rule.label if rule is not None else ""


def drop_interpreter(lines: Sequence[Line]) -> None:
    """Drop what runs an interpreted function: it says less than that function does."""
    interpreter: str | None = None
    for line in lines:
        if line.frame.interpreter is not None:
            interpreter = line.frame.module
        elif line.signed and interpreter and line.frame.module == interpreter:
            line.drop("the interpreter itself")


def drop_library_internals(lines: Sequence[Line]) -> None:
    """Of frames of a system library, leave the function that the program called.

    At the inner end not even that: what was called with a bad argument is not where
    it came from, and compilers put small functions of libraries in place. Nor at the
    outer end, where the library called the program.
    """
    signed = [line for line in lines if line.signed]
    runs = [(key, list(run)) for key, run in groupby(signed, _is_library)]
    for at, (is_library, run) in enumerate(runs):
        if not is_library:
            continue
        named = [line for line in run if line.name]
        entry = named[-1] if named else None
        for line in run:
            if line is not entry:
                called = entry.name if entry is not None else "a function without name"
                line.drop(f"library: inside of {called}")
        if entry is not None and len(runs) > 1 and at in (0, len(runs) - 1):
            which = "caller" if at == 0 else "callee"
            entry.drop(f"library: its {which} counts", shown=at == 0)


def drop_entry(lines: Sequence[Line]) -> None:
    """Do not sign ``main`` where it called something.

    It is above all that it calls; not if that call is its last, and compilers made a
    jump of it.
    """
    signed = [line for line in lines if line.signed]
    if len(signed) > 1 and signed[-1].frame.interpreter is None:
        rule = policies().entry.find(signed[-1].name, signed[-1].module)
        if rule is not None:
            signed[-1].drop(rule.label, shown=True)


def _is_library(line: Line) -> bool:
    if line.frame.interpreter is not None:
        return False
    rules = policies()
    if line.module in rules.library_modules:
        return True
    return bool(line.name) and rules.library.find(line.name, line.module) is not None
