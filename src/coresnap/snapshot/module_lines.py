"""Modules as text: how much of each could be read, and what was looked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coresnap.model import Frame, Module, Thread
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable
from coresnap.snapshot.ink import Ink

__all__ = ["compiler_lines", "module_lines"]

_WITH_LINES = "dwarf"


def module_lines(modules: Iterable[Module], display: Display) -> Iterator[str]:
    """Yield a line for each module, with what was looked for if that is wanted."""
    is_hint_due = False
    for module in modules:
        yield f"  {module.start:#018x} {_heading(module, display.ink)}"
        if display.searches:
            yield from _search_lines(module, display.ink)
        elif module.symbols != _WITH_LINES and module.searches:
            is_hint_due = True
    if is_hint_due:
        yield display.ink.doubt("  (--modules shows where their files were looked for)")


def _heading(module: Module, ink: Ink) -> str:
    text = f"{printable(module.symbols):<7} {printable(module.path)}"
    if module.build_id:
        text += f"  {ink.doubt(printable(module.build_id[:12]))}"
    if module.problem:
        text += f"  {ink.alarm('(' + printable(module.problem) + ')')}"
    return text


def _search_lines(module: Module, ink: Ink) -> Iterator[str]:
    for search in module.searches:
        line = f"{printable(search.what):<11} {printable(search.place)}"
        result = printable(search.result)
        yield f"      {line}  {result if result == 'used' else ink.doubt(result)}"


def compiler_lines(threads: Iterable[Thread]) -> Iterator[str]:
    """Yield each compiler that the frames' units name, with its options, once."""
    seen: set[tuple[str | None, str]] = set()
    for frame in _frames(threads):
        if frame.producer is None or (frame.language, frame.producer) in seen:
            continue
        seen.add((frame.language, frame.producer))
        language = printable(frame.language or "?")
        yield f"  {language:<11} {printable(frame.producer)}"


def _frames(threads: Iterable[Thread]) -> Iterator[Frame]:
    for thread in threads:
        if thread.like is None:
            yield from thread.frames
