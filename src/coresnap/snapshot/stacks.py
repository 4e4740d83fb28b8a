"""Frames and threads as text."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Iterable, Iterator

from coresnap.model import (
    Frame,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)
from coresnap.snapshot.alias_lines import mark_lines
from coresnap.snapshot.annotation_lines import annotation_lines
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable
from coresnap.snapshot.ink import Ink
from coresnap.snapshot.type_shortening import with_short_types
from coresnap.snapshot.values import declaration, inline_value, variable_lines

__all__ = [
    "declared_lines",
    "end_words",
    "folded",
    "frame_doubts",
    "frame_heading",
    "frame_lines",
    "function_signature",
    "module_place",
    "register_lines",
    "thread_heading",
    "thread_lines",
]

_ARGUMENT_MAX = 40
_LINES_AROUND = 2

_TRUST = {
    Trust.FRAME_POINTER: "[by frame pointer]",
    Trust.PROLOGUE: "[by its instructions]",
    Trust.SCAN: "[guess: found by scanning the stack]",
}
_END = {
    UnwindEnd.NO_PROGRESS: "the stack ends here: its next frame would not be above",
    UnwindEnd.UNREADABLE: "the stack ends here: the core does not hold the rest",
    UnwindEnd.NO_RULE: "the stack ends here: nothing tells where the caller is",
    UnwindEnd.FRAME_LIMIT: "more frames follow: the limit was reached",
    UnwindEnd.NO_REGISTERS: "the core holds no registers for this thread",
}


def function_signature(frame: Frame, *, full_names: bool = False) -> str:
    """Return ``name (argument=value, …)``, or "" for a frame without a name."""
    if frame.function is None:
        return ""
    short = None if full_names else frame.short_name
    name = printable(short or frame.function)
    arguments = [v for v in frame.variables if v.kind is VariableKind.ARGUMENT]
    if not arguments and frame.file is None:
        return name
    shown = (f"{printable(a.name)}={_brief(a)}" for a in arguments)
    return f"{name} ({', '.join(shown)})"


def _brief(argument: Variable) -> str:
    if argument.missing is not None:
        # The reason stands below, with the variable.
        return f"<{printable(argument.missing.partition(':')[0])}>"
    text = inline_value(argument, depth=0)
    return text if len(text) <= _ARGUMENT_MAX else text[: _ARGUMENT_MAX - 1] + "…"


def module_place(frame: Frame) -> str:
    """Return ``module+0xoffset`` as addr2line takes it, or "" if not in a module."""
    if frame.module is None:
        return ""
    name = printable(posixpath.basename(frame.module) or frame.module)
    return name if frame.module_offset is None else f"{name}+{frame.module_offset:#x}"


def frame_heading(number: int, frame: Frame, display: Display) -> str:
    """Return the line that names a frame: number, function, place, doubts."""
    ink = display.ink
    parts = [f"#{number:<3}"]
    if frame.interpreter is not None:
        parts.append(ink.doubt(f"[{printable((frame.language or '?').lower())}]"))
    if frame.signal_frame:
        parts.append(ink.doubt("<signal handler called>"))
    signature = function_signature(frame, full_names=display.full_names)
    if signature:
        name, space, rest = signature.partition(" (")
        if frame.file is None and frame.function_offset:
            name += f"+{frame.function_offset:#x}"
        parts.append(ink.function(name) + space + rest)
    else:
        parts.append(f"{frame.pc:#018x}")
    parts += _place(frame, ink)
    parts += map(ink.doubt, frame_doubts(frame))
    return " ".join(parts)


def frame_doubts(frame: Frame) -> list[str]:
    """Return what lessens the trust in a frame, in words between brackets."""
    doubts = []
    if frame.inline:
        doubts.append("[inlined]")
    elif frame.optimized:
        doubts.append("[optimized]")
    if frame.trust in _TRUST:
        doubts.append(_TRUST[frame.trust])
    return doubts


def _place(frame: Frame, ink: Ink) -> list[str]:
    if frame.file is not None:
        line = "" if frame.line is None else f":{frame.line}"
        return ["at", ink.place(printable(frame.file) + line)]
    place = module_place(frame)
    if place:
        return ["in", place]
    return [] if frame.signal_frame else [ink.doubt("in ?? (no module here)")]


def frame_lines(number: int, frame: Frame, display: Display) -> Iterator[str]:
    """Yield a frame: its heading and, with details, source and variables."""
    yield frame_heading(number, frame, display)
    if not display.details:
        return
    if frame.source_start is not None and frame.line is not None:
        yield from _source_lines(
            frame.source, frame.source_start, frame.line, display.ink
        )
    yield from annotation_lines(frame.annotations, display.ink, " " * 5)
    for variable in frame.variables:
        yield from declared_lines(variable, display, " " * 5)


def declared_lines(
    variable: Variable, display: Display, indent: str = ""
) -> Iterator[str]:
    """Yield the lines of a variable that stands for itself."""
    marks = mark_lines(variable, display.ink, indent + "  ")
    if not display.full_names:
        variable = with_short_types(variable)
    label = None
    if variable.kind is VariableKind.TLS and variable.location is not None:
        label = f"{declaration(variable)} ({printable(variable.location)})"
    yield from variable_lines(variable, display.width, indent, label, raw=display.raw)
    yield from marks


@functools.lru_cache(maxsize=1024)
def _source_lines(
    source: tuple[str, ...], start: int, line: int, ink: Ink
) -> tuple[str, ...]:
    lines = []
    for number, text in enumerate(source, start):
        if abs(number - line) <= _LINES_AROUND:
            plain = printable(text.expandtabs(4).rstrip())
            if number == line:
                lines.append(ink.title(f"{number:>9} ▶ {plain}"))
            else:
                lines.append(ink.doubt(f"{number:>9} │ {plain}".rstrip()))
    return tuple(lines)


def thread_heading(threads: Iterable[Thread], ink: Ink) -> str:
    """Return the line above a stack that ``threads`` share."""
    threads = list(threads)
    first = threads[0]
    names = {thread.name for thread in threads if thread.name}
    name = " ".join(f'"{printable(name)}"' for name in sorted(names))
    if len(threads) == 1:
        text = f"thread {first.tid} {name}".rstrip()
    else:
        tids = ", ".join(str(thread.tid) for thread in threads)
        text = f"{len(threads)} threads {name}".rstrip() + f": {tids}"
    return ink.alarm(f"{text} crashed") if first.crashed else ink.title(text)


def thread_lines(thread: Thread, display: Display) -> Iterator[str]:
    """Yield the frames of ``thread`` and, if the stack is cut, why."""
    yield from annotation_lines(thread.annotations, display.ink, " " * 5)
    left_out = 0
    for index, frame in enumerate(thread.frames):
        if frame.left_out:
            left_out += frame.left_out
            yield display.ink.doubt(f"     … {frame.left_out:,} frames left out …")
        yield from frame_lines(index + left_out, frame, display)
    end = end_words(thread)
    if end:
        yield display.ink.doubt(f"     ({end})")


def end_words(thread: Thread) -> str:
    """Return why the stack ends where it does; empty if it is complete."""
    return _END.get(thread.end, "")


def folded(threads: Iterable[Thread]) -> list[list[Thread]]:
    """Group threads that stand at the same places, in order of appearance."""
    groups: dict[object, list[Thread]] = {}
    for thread in threads:
        places = tuple((f.pc, f.inline, f.function, f.left_out) for f in thread.frames)
        key = (thread.crashed, thread.end, places)
        groups.setdefault(key, []).append(thread)
    return list(groups.values())


def register_lines(registers: dict[str, int], width: int) -> Iterator[str]:
    """Yield registers in as many columns as fit into ``width``."""
    if not registers:
        return
    label = max(len(printable(name)) for name in registers)
    cells = [f"{printable(n):>{label}} {v:#018x}" for n, v in registers.items()]
    columns = max(1, (width - 2) // (label + 21))
    for start in range(0, len(cells), columns):
        yield "  " + "  ".join(cells[start : start + columns])
