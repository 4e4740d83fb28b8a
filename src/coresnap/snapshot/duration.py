"""Spans of time for people."""

from __future__ import annotations

__all__ = ["duration"]

_MINUTE = 60


def duration(seconds: float) -> str:
    """Return a span with three digits that count: ``2.5 ms``, ``1.2 s``, ``2m05s``."""
    if seconds >= _MINUTE:
        minutes, rest = divmod(round(seconds), _MINUTE)
        return f"{minutes}m{rest:02}s"
    if seconds >= 1:
        return f"{_short(seconds)} s"
    if seconds >= 1e-3:
        return f"{_short(seconds * 1e3)} ms"
    return f"{_short(seconds * 1e6)} µs"


def _short(number: float) -> str:
    return f"{float(f'{number:.3g}'):g}"
