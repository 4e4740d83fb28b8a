"""How the core was taken, in words for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from coresnap.model import Snapshot
from coresnap.snapshot.duration import duration
from coresnap.snapshot.escape import printable

__all__ = ["capture_facts"]

_CAPTURE = "capture.json"


def capture_facts(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield what was kept, how long the process was held, and what was checked."""
    words = list(_words(snapshot.attributes))
    if words:
        yield "capture", "; ".join(words)
    checks = _checks(snapshot)
    counts = Counter(result for _, result in checks)
    if checks:
        said = [f"{n} {result}" for result, n in sorted(counts.items())]
        failed = [name for name, result in checks if result == "failed"]
        names = f" ({', '.join(failed)})" if failed else ""
        yield "checks", ", ".join(said) + names


def _words(known: dict[str, int | float | str]) -> Iterator[str]:
    rung, reason = known.get("capture.rung"), known.get("capture.rung.reason")
    if rung is not None:
        yield printable(str(rung)) + (f" ({printable(str(reason))})" if reason else "")
    parked, budget = known.get("capture.parked"), known.get("capture.budget")
    if isinstance(parked, int | float):
        text = f"process held for {duration(parked)}"
        if isinstance(budget, int | float):
            text += f" of {duration(budget)}"
        yield text
    ways = [known.get(f"capture.{name}") for name in ("way", "door")]
    if ways[0]:
        through = f" through the {ways[1]}" if ways[1] else ""
        yield printable(f"by {ways[0]}{through}")
    if suppressed := known.get("crash.suppressed"):
        yield f"{suppressed} of its kind suppressed before"


def _checks(snapshot: Snapshot) -> list[tuple[str, str]]:
    if _CAPTURE not in snapshot.assets:
        return []
    import json

    try:
        record: Any = json.loads(snapshot.assets[_CAPTURE])
    except (ValueError, RecursionError):
        return []
    checks = record.get("checks") if isinstance(record, dict) else None
    return [
        (printable(str(check.get("name"))), printable(str(check.get("result"))))
        for check in (checks if isinstance(checks, list) else [])
        if isinstance(check, dict)
    ]
