"""What the journal knows of all captures together: time held, and what was kept."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coresnap.snapshot.duration import duration
from coresnap.snapshot.escape import printable

if TYPE_CHECKING:
    from coresnap.collect.journal import Entry

__all__ = ["capture_statistics", "statistics_lines"]


def capture_statistics(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return counts by rung, and median and longest time in seconds that processes
    were held; None for the times if no entry tells one."""
    details = [entry.detail for entry in entries]
    parked = [seconds for detail in details if (seconds := _parked(detail)) is not None]
    rungs = Counter(str(d["rung"]) for d in details if d.get("rung"))
    return {
        "rungs": dict(rungs.most_common()),
        "parked": {
            "count": len(parked),
            "median": statistics.median(parked) if parked else None,
            "longest": max(parked, default=None),
        },
    }


def _parked(detail: Mapping[str, Any]) -> float | None:
    value = detail.get("parked")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None


def statistics_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of ``coresnap status`` for them; none if nothing is known."""
    if rungs := found["rungs"]:
        kept = ", ".join(f"{count} {printable(rung)}" for rung, count in rungs.items())
        yield f"kept: {kept}"
    parked = found["parked"]
    if parked["count"]:
        yield (
            f"processes held: median {duration(parked['median'])}, "
            f"longest {duration(parked['longest'])}, of {parked['count']} crashes"
        )
