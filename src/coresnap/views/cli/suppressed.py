"""Crashes that were only counted: what storms kept out of the spool, by kind."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coresnap.snapshot.escape import printable, without_surrogates

if TYPE_CHECKING:
    from coresnap.collect.admission import Admission, Kind
    from coresnap.collect.overview import Unknown

__all__ = ["admission_facts", "admission_lines", "suppressed_line"]

_KINDS_SHOWN = 5
_NANOSECONDS = 1e9


def admission_facts(found: Admission | Unknown) -> dict[str, Any]:
    """Return the counts, and the kinds of which any were suppressed, most first.

    If the table could not be read, ``unknown`` says why instead.
    """
    from coresnap.collect.admission import Admission

    if not isinstance(found, Admission):
        return {"unknown": found.reason}
    kinds = sorted(found.kinds, key=lambda kind: (-kind.suppressed, -kind.last))
    return {
        "seen": found.seen,
        "archived": found.archived,
        "suppressed": found.suppressed,
        "refused": found.refused,
        "kinds": [_kind(kind) for kind in kinds if kind.suppressed],
    }


def _kind(kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind.kind,
        "application": without_surrogates(kind.name),
        "signal": kind.signal,
        "uid": kind.uid,
        "first": kind.first,
        "last": kind.last,
        "seen": kind.seen,
        "archived": kind.archived,
        "suppressed": kind.suppressed,
        "missed": kind.missed,
    }


def admission_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of ``coresnap status``; none if no crash was ever counted."""
    if "unknown" in facts:
        yield f"crashes: {printable(facts['unknown'])}"
        return
    if not facts["seen"]:
        return
    counts = ("seen", "archived", "suppressed", "refused")
    yield "crashes: " + ", ".join(f"{facts[name]} {name}" for name in counts)
    for kind in facts["kinds"][:_KINDS_SHOWN]:
        last = time.ctime(kind["last"] / _NANOSECONDS)
        yield (
            f"  {kind['suppressed']} suppressed: {printable(kind['application'])} "
            f"{_signal_name(kind['signal'])}, the last on {last}"
        )
    if (more := len(facts["kinds"]) - _KINDS_SHOWN) > 0:
        yield f"  and {more} more kinds"


def suppressed_line(facts: Mapping[str, Any]) -> str | None:
    """Return the line below a listing; None if nothing was suppressed, or is known."""
    if not facts.get("suppressed"):
        return None
    kinds = len(facts["kinds"])
    return (
        f"{facts['suppressed']} crashes were only counted ({kinds} kinds): "
        "`coresnap status` names them"
    )


def _signal_name(number: int | None) -> str:
    # The table is of this machine, so its numbers are.
    try:
        return signal.Signals(number or 0).name
    except ValueError:
        return f"signal {number if number is not None else '?'}"
