"""One frame on its way through the rules, and what they did to it."""

from __future__ import annotations

import os.path
from collections.abc import Sequence

import msgspec

from coresnap.analysis.fingerprint.names import normalise_function, normalise_module
from coresnap.analysis.fingerprint.policies import policies
from coresnap.model import Frame, Trust

__all__ = ["Fate", "Line", "lines_of"]

_LAMBDAS = ("", "(anonymous struct)", "(anonymous class)")
_HEADERS = ("/c++/", "/bits/")
"""Directories of the C++ library's own."""


class Fate:
    """What became of a frame."""

    KEPT = "kept"
    RENAMED = "renamed"
    DROPPED = "dropped"
    STOPPED = "stopped"
    """Outside of where the stack ends."""
    COLLAPSED = "collapsed"
    """It stands in the stack already, further in: recursion."""
    CUT = "cut"
    """There are enough frames before it."""


class Line(msgspec.Struct):
    """A frame of the crashed thread as the rules see it."""

    index: int
    """In the thread's frames."""
    name: str
    """Normalised function; empty for none."""
    module: str
    """Normalised base name; ``?`` for none."""
    frame: Frame
    fate: str = Fate.KEPT
    rule: str = ""
    """``file: pattern`` of the rule that decided, or what it is called."""
    signed: bool = True
    """It goes into the digest."""
    shown: bool = True
    """It is in the stack that people read."""
    kept_by: str = ""
    """A ruleset's rule by which no other rule may drop it."""

    @property
    def text(self) -> str:
        """``module:function``, or what tells the function apart without a name."""
        frame = self.frame
        if frame.interpreter is not None:
            return f"{self.module}:{self.name or '?'}"
        if self.name:
            return f"{self.module}:{self.name}"
        if frame.unwind_entry is not None and frame.function_offset is not None:
            return f"{self.module}!{frame.unwind_entry}+{frame.function_offset:#x}"
        if frame.module_offset is None:
            return "?"
        return f"{frame.build_id or self.module}+{frame.module_offset:#x}"

    @property
    def whose(self) -> str:
        """The function, wherever in it the frame stands."""
        if self.name or self.frame.unwind_entry is None:
            return self.text
        return f"{self.module}!{self.frame.unwind_entry}"

    @property
    def reading(self) -> str:
        """How people name it: the function alone where there is one."""
        return self.name or self.text

    def drop(self, rule: str, fate: str = Fate.DROPPED, *, shown: bool = False) -> None:
        """Take the frame out of the digest, and unless ``shown`` out of sight."""
        if self.kept_by and fate is Fate.DROPPED:
            return
        self.fate, self.rule, self.signed, self.shown = fate, rule, False, shown


def lines_of(frames: Sequence[Frame]) -> list[Line]:
    """Spell every frame, innermost first; guesses are dropped at once."""
    lines = [_line(index, frame) for index, frame in enumerate(frames)]
    pushed = _pushed_by_a_wild_call(frames)
    for line in lines:
        above = line.frame.stack_pointer
        if line.frame.trust is Trust.SCAN and (above is None or above != pushed):
            line.drop("a guess: found by scanning the stack")
        elif line.name:
            _rename(line)
    return lines


def _line(index: int, frame: Frame) -> Line:
    if frame.interpreter is not None:
        file = normalise_module(frame.file)
        return Line(index, frame.function or "", file, frame)
    name = normalise_function(_name(frame)) if frame.function else ""
    if frame.inline and _is_of_libc(frame.file):
        return Line(index, name, "libc.so", frame)
    return Line(index, name, normalise_module(frame.module), frame)


def _is_of_libc(file: str | None) -> bool:
    """Put in place from its headers: ``bsearch`` optimised, a checked ``memcpy``."""
    if file is None or "/c++/" in file:
        return False
    return file.rpartition("/")[0].endswith(("/bits", "/usr/include"))


def _name(frame: Frame) -> str:
    name, symbol = frame.function or "", frame.linkage_name or ""
    if name.endswith("operator()"):
        return _lambda(name, frame) or name
    # rustc numbers implementations in its debug information, anew in each build; the
    # symbol names type and trait, as it does where that is all there is.
    if symbol.startswith("_R") or symbol[-20:-17] == "17h":
        from coresnap.analysis.demangle import display_name

        return display_name(symbol)
    return name


def _lambda(name: str, frame: Frame) -> str:
    """What all compilers can agree on: that it is one, and the file that it is in.

    Debug information has no name for its class, and GCC's no symbol for itself.
    """
    scope = name[:-10].removesuffix("::")
    last = scope.rpartition("::")[2]
    if last not in _LAMBDAS and not last.startswith(("{lambda", "<lambda", "$_")):
        return ""
    if last.count("<") != last.count(">"):
        return ""  # it is an argument of a template
    if not frame.file:
        return scope
    if any(directory in frame.file for directory in _HEADERS):
        return "std::{lambda}"
    return f"{{lambda in {os.path.basename(frame.file)}}}"


def _pushed_by_a_wild_call(frames: Sequence[Frame]) -> int | None:
    """Stack pointer of the caller, where a call led to no code: what it pushed was on
    top of the stack, so this was found by scanning and is no guess."""
    if len(frames) < 2 or frames[0].module is not None:
        return None
    top, above = frames[0].stack_pointer, frames[1].stack_pointer
    if top is None or above is None or above - top not in (4, 8):
        return None
    return above


def _rename(line: Line) -> None:
    rule = policies().rename.find(line.name, line.module)
    if rule is not None:
        line.name, line.fate, line.rule = rule.spelling, Fate.RENAMED, rule.label
    elif line.frame.function not in (line.name, None):
        line.fate, line.rule = Fate.RENAMED, "normalised name"
