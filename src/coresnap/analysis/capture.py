"""How the core was taken, as its handler recorded it, and what that means for people.

The handler may keep less than the whole core: the *rungs* ``full``, ``stacks`` (memory
that a person looks at first), ``notes`` (registers, no memory) and ``record`` (no core
at all). What it did not keep is absent, which is not the same as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from coresnap.model import Note

__all__ = [
    "CAPTURE",
    "CRASH",
    "CaptureFacts",
    "capture_facts",
    "capture_notes",
    "json_object",
]

CRASH = "crash.json"
"""Assets member with what the kernel told the handler."""
CAPTURE = "capture.json"
"""Assets member with how the core was taken."""

_MOST_DIGITS = 20  # of a 64-bit number
_KEPT = {
    "stacks": "only stacks and the memory around registers and pointers were kept",
    "notes": "only registers and notes were kept, no memory",
    "record": "no core was kept",
}
_REASONS = {
    "policy": "the settings ask for no more (archive.keep)",
    "quota": "dump.quota left no more room",
    "no-space": "the disk was full",
    "inodes": "the file system had no more inodes",
    "logical-limit": "the core is larger than limit.logical",
    "physical-limit": "the core would have taken more disk than limit.physical",
    "budget": "the process could be held no longer (parked.budget)",
    "time-out": "the handler ran into its time-out",
    "stalled": "the kernel stopped sending",
    "io-error": "the disk failed",
    "interrupted": "the process was killed while it was dumped",
    "core-limit": "the kernel left an empty file (RLIMIT_CORE was too small for it)",
    "admission": "too many crashes in a short time (storm.rate)",
    "kernel": "savecore keeps the kernel's dump, and what it says is here",
    "killed": "the handler was killed before the core had its name",
}


class CaptureFacts(msgspec.Struct, frozen=True):
    """What ``capture.json`` says; None for what it does not."""

    rung: str | None = None
    """``full``, ``stacks``, ``notes`` or ``record``; None for a core that came without
    a handler of ours."""
    reason: str | None = None
    """Why it is not ``full``: as in ``docs/formats.md``, or ``killed``."""
    way: str | None = None
    """``pipe``, ``memory``, ``stream``, ``import``, or ``file`` of a kernel."""
    door: str | None = None
    """How the kernel reached the handler: ``pipe`` or ``socket``."""
    parked: int | None = None
    """Nanoseconds that the crashed process was held."""
    budget: int | None = None
    """Nanoseconds that it might have been held."""

    @property
    def is_thin(self) -> bool:
        """Less than the whole core was kept."""
        return self.rung in _KEPT

    @property
    def explanation(self) -> str:
        """What was kept and why no more, in words; empty for a full core."""
        if self.rung not in _KEPT:
            return ""
        why = _REASONS.get(self.reason or "", self.reason)
        return _KEPT[self.rung] + (f": {why}" if why else "")


def capture_facts(
    assets: Mapping[str, bytes], *, has_core: bool = True
) -> CaptureFacts:
    """Draw the facts from the assets; a value of the wrong type is None.

    Without a core the rung is ``record`` whatever the handler planned to keep.
    """
    said = json_object(assets.get(CAPTURE, b""))
    rung, reason = _text(said, "rung"), _text(said, "rung_reason")
    if not has_core and rung != "record":
        rung, reason = "record", "killed"
    return CaptureFacts(
        rung=rung,
        reason=reason,
        way=_text(said, "way"),
        door=_text(said, "door"),
        parked=_number(said, "parked"),
        budget=_number(said, "budget"),
    )


def capture_notes(facts: CaptureFacts) -> Iterator[Note]:
    """Say what the reader must know about a core that is not whole."""
    if facts.explanation:
        yield Note("capture", facts.explanation)


def json_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object in ``data``; empty if there is none.

    A number beyond 64 bits is None: no snapshot could hold it.
    """
    if not data:
        return {}
    import json  # a core that lies about has nothing beside it

    try:
        found = json.loads(data, parse_int=_bounded)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _bounded(digits: str) -> int | None:
    if len(digits) > _MOST_DIGITS:
        return None
    value = int(digits)
    return value if -(1 << 63) <= value < 1 << 64 else None


def _text(said: Mapping[str, Any], key: str) -> str | None:
    value = said.get(key)
    return value if isinstance(value, str) and value else None


def _number(said: Mapping[str, Any], key: str) -> int | None:
    value = said.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
