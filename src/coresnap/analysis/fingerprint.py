"""The fingerprint: 64 hex digits that are equal for the same fault.

SHA-256 over the fingerprint version, the application, the signal and the normalised
frames of the crashed thread, one per line. Line numbers and addresses are left out,
so a rebuild or another host changes nothing. The lists in ``policies/`` say which
frames count; ``docs/fingerprints.md`` explains them.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os.path
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from coresnap.analysis.demangle import display_name
from coresnap.model import Frame, Trust

__all__ = [
    "VERSION",
    "Fingerprint",
    "fingerprint",
    "load_policies",
    "normalise_function",
    "record_fingerprint",
]

VERSION = 1
"""Part of the hash: a change of rules may not silently split old groups."""

_POLICIES = Path(__file__).with_name("policies")
_MOST_FRAMES = 32
_LONGEST_CYCLE = 10
# GCC and LLVM clone suffixes, libstdc++ ABI tags, the hash of Rust's legacy mangling.
_CLONE = re.compile(
    r"(\.(constprop|isra|part|cold|lto_priv|localalias|llvm)(\.\d+)*|\[abi:\w+\])+$"
)
_RUST_IMPLEMENTATION = "{impl#"
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")


class Fingerprint(msgspec.Struct, frozen=True):
    """The hash and the lines that went into it, for people to compare."""

    digest: str
    """64 hex digits."""
    frames: tuple[str, ...]
    """``module:function``, innermost first."""


def fingerprint(application: str, signal: str, frames: Sequence[Frame]) -> Fingerprint:
    """Fingerprint a crashed thread's frames (innermost first).

    A stack without one frame that counts still has a fingerprint: that of the
    application and the signal.
    """
    lines = _collapse(_counting_frames(frames))[:_MOST_FRAMES]
    return _digest([f"coresnap {VERSION}", application, signal], lines)


def record_fingerprint(application: str, signal: str, kind: str | None) -> Fingerprint:
    """Fingerprint a crash without a core, whose frames nobody knows.

    ``kind`` is what the handler told faults apart by before it read a core (16 hex
    digits); None if it did not come to that. Records never share a fingerprint with
    crashes that have frames.
    """
    lines = [f"kind:{kind}"] if kind else []
    return _digest([f"coresnap {VERSION} record", application, signal], lines)


def load_policies() -> None:
    """Read the lists now, for a process that later may not be able to."""
    _renames()
    for name in ("stop.txt", "skip.txt"):
        _pattern(name)


def _find_sha256() -> Callable[[bytes], Any]:
    # hashlib loads OpenSSL, which takes 3 to 8 ms of the 60 that a small core takes.
    for name in ("_sha2", "_sha256"):
        with contextlib.suppress(ImportError):
            found: Callable[[bytes], Any] = importlib.import_module(name).sha256
            return found
    import hashlib

    return hashlib.sha256


_sha256 = _find_sha256()


def _digest(heading: list[str], lines: list[str]) -> Fingerprint:
    text = "\n".join([*heading, *lines])
    digest = _sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return Fingerprint(digest, tuple(lines))


def normalise_function(name: str) -> str:
    """Spell a function the way all builds of the same source spell it."""
    name = _RUST_HASH.sub("", _CLONE.sub("", name))
    name = _without_template_arguments(name)
    for pattern, replacement in _renames():
        if match := pattern.fullmatch(name):
            return match.expand(replacement)
    return name


def _counting_frames(frames: Iterable[Frame]) -> list[str]:
    lines: list[str] = []
    interpreter: str | None = None
    for frame in frames:
        if frame.trust is Trust.SCAN:
            continue
        if frame.interpreter is not None:
            interpreter = frame.module
            lines.append(_interpreted_line(frame))
            continue
        name = normalise_function(_name(frame)) if frame.function else None
        if name and _matches("stop.txt", name):
            break
        if not lines and (frame.signal_frame or (name and _matches("skip.txt", name))):
            continue
        # What runs an interpreted function says less than that function does.
        if interpreter is None or frame.module != interpreter:
            lines.append(_line(frame, name))
    return lines


def _name(frame: Frame) -> str:
    # rustc numbers implementations in its debug information, anew in each build; the
    # symbol names type and trait, as it does where that is all there is.
    if frame.linkage_name and _RUST_IMPLEMENTATION in (frame.function or ""):
        return display_name(frame.linkage_name)
    return frame.function or ""


def _interpreted_line(frame: Frame) -> str:
    file = os.path.basename(frame.file) if frame.file else "?"
    return f"{file}:{frame.function or '?'}"


def _line(frame: Frame, name: str | None) -> str:
    module = os.path.basename(frame.module) if frame.module else "?"
    if name:
        return f"{module}:{name}"
    if frame.module_offset is None:
        return "?"
    return f"{frame.build_id or module}+{frame.module_offset:#x}"


def _collapse(lines: list[str]) -> list[str]:
    """Reduce each run of a repeated cycle (recursion) to one turn of it."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        length = _cycle_at(lines, at)
        kept.extend(lines[at : at + length])
        turn = lines[at : at + length]
        at += length
        while lines[at : at + length] == turn and lines[at : at + 1]:
            at += length
    return kept


def _cycle_at(lines: list[str], at: int) -> int:
    for length in range(1, _LONGEST_CYCLE + 1):
        turn = lines[at : at + length]
        if len(turn) == length and lines[at + length : at + 2 * length] == turn:
            return length
    return 1


def _without_template_arguments(name: str) -> str:
    if "<" not in name or "operator" in name:
        return name
    qualified = name.startswith("<")  # Rust's <Type as Trait>::function
    kept: list[str] = ["<"] if qualified else []
    depth = 0
    for character in name[qualified:]:
        if character == "<":
            depth += 1
            if depth == 1:
                kept.append("<T>")
        elif character == ">" and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
    return "".join(kept).replace("::<T>", "<T>")


@functools.cache
def _rules(name: str) -> tuple[str, ...]:
    text = (_POLICIES / name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


@functools.cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{rule})" for rule in _rules(name)))


@functools.cache
def _renames() -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = (rule.split(" => ", 1) for rule in _rules("rename.txt"))
    return tuple((re.compile(pattern), name) for pattern, name in pairs)


def _matches(rules: str, name: str) -> bool:
    return _pattern(rules).fullmatch(name) is not None
