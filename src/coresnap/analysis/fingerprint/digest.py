"""The fingerprint: 64 hex digits that are equal for the same fault.

SHA-256 over the version of the rules, the application, the family of the fault, what
an assertion or exception said, and the normalised frames of the crashed thread, one per
line. ``docs/fingerprints.md`` explains it.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from coresnap.analysis.fingerprint.circumstances import Circumstances, family_of
from coresnap.analysis.fingerprint.lines import Fate, Line, lines_of
from coresnap.analysis.fingerprint.passes import (
    drop_what_says_nothing,
    drop_what_stopped_it,
    end_at_start,
)
from coresnap.analysis.fingerprint.recursion import (
    collapse_recursion,
    keep_the_cycle,
    one_turn_each,
)
from coresnap.model import Frame

if TYPE_CHECKING:
    from coresnap.config.rulesets import Ruleset

__all__ = [
    "MOST_FRAMES",
    "VERSION",
    "Fingerprint",
    "fingerprint",
    "fingerprint_attributes",
    "record_fingerprint",
]

VERSION = 2
"""Part of the hash: a change of rules may not silently split old groups."""

MOST_FRAMES = 8
"""Frames that count: what called those is how one got there."""
_MOST_SHOWN = 64
"""Functions of the stack to read, its repeated cycles being one turn each."""


class Fingerprint(msgspec.Struct, frozen=True):
    """The hash, what went into it, and what became of each frame."""

    digest: str
    """64 hex digits."""
    frames: tuple[str, ...]
    """``module:function``, innermost first."""
    callstack: tuple[str, ...] = ()
    """The stack to read."""
    family: str = ""
    """Kind of failure: ``memory``, ``assert``, ``exception``, ``heap``, …"""
    message: str = ""
    """What was said, as far as it went in."""
    late: bool = False
    """Damage was noticed here and done elsewhere, earlier."""
    signed: tuple[str, ...] = ()
    """``name=value`` of attributes that went in."""
    attributes: dict[str, str] = {}
    """What rulesets set."""
    lines: tuple[Line, ...] = ()
    """Every frame, and what the rules did to it."""


def fingerprint(
    application: str,
    signal: str,
    frames: Sequence[Frame],
    circumstances: Circumstances | None = None,
    rulesets: Sequence[Ruleset] = (),
) -> Fingerprint:
    """Fingerprint a crashed thread's frames (innermost first).

    A stack without one frame that counts still has a fingerprint: that of the
    application and the kind of failure.
    """
    facts = circumstances or Circumstances(signal)
    lines = lines_of(frames)
    signed, attributes = _apply_rulesets(lines, facts, rulesets)
    end_at_start(lines)
    family = family_of(facts, drop_what_stopped_it(lines))
    drop_what_says_nothing(lines)
    shown = one_turn_each([line.reading for line in lines if line.shown])
    texts = _texts(lines, overflow=family == "stack-overflow")
    message = facts.message if family == facts.said else ""
    heading = [f"coresnap {VERSION}", application, family, message, *signed]
    return Fingerprint(
        _digest(heading, texts),
        tuple(texts),
        tuple(shown[:_MOST_SHOWN]),
        family,
        message,
        family == "heap" and not facts.prompt,
        signed,
        attributes,
        tuple(lines),
    )


def fingerprint_attributes(found: Fingerprint) -> dict[str, int | str]:
    """The attributes of a snapshot with this fingerprint, those of rulesets included.

    From them ``recorded_circumstances`` makes what it takes to make it again.
    """
    attributes: dict[str, int | str] = {**found.attributes}
    attributes["fingerprint.version"] = VERSION
    attributes["fingerprint.family"] = found.family
    if found.message:
        attributes["fingerprint.message"] = found.message
    if found.late:
        attributes["fingerprint.late"] = 1
    return attributes


def record_fingerprint(application: str, signal: str, kind: str | None) -> Fingerprint:
    """Fingerprint a crash without a core, whose frames nobody knows.

    ``kind`` is what the handler told faults apart by before it read a core (16 hex
    digits); None if it did not come to that. Records never share a fingerprint with
    crashes that have frames.
    """
    lines = [f"kind:{kind}"] if kind else []
    digest = _digest([f"coresnap {VERSION} record", application, signal], lines)
    return Fingerprint(digest, tuple(lines))


def _apply_rulesets(
    lines: list[Line], facts: Circumstances, rulesets: Sequence[Ruleset]
) -> tuple[tuple[str, ...], dict[str, str]]:
    if not rulesets:
        return (), {}
    from coresnap.analysis.fingerprint.ruleset_pass import apply_rulesets

    return apply_rulesets(lines, facts, rulesets)


def _texts(lines: Sequence[Line], *, overflow: bool) -> list[str]:
    if overflow and (cycle := keep_the_cycle(lines)):
        return cycle
    collapse_recursion(lines)
    signed = [line for line in lines if line.signed]
    for line in signed[MOST_FRAMES:]:
        line.drop(f"beyond {MOST_FRAMES} frames", Fate.CUT, shown=line.shown)
    return [line.text for line in signed[:MOST_FRAMES]]


def _find_sha256() -> Callable[[bytes], Any]:
    # hashlib loads OpenSSL, which takes 3 to 8 ms of the 60 that a small core takes.
    for name in ("_sha2", "_sha256"):
        with contextlib.suppress(ImportError):
            found: Callable[[bytes], Any] = importlib.import_module(name).sha256
            return found
    import hashlib

    return hashlib.sha256


_sha256 = _find_sha256()


def _digest(heading: Sequence[str], lines: Sequence[str]) -> str:
    text = "\n".join([*heading, *lines])
    digest: str = _sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return digest
