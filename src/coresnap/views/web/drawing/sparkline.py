"""Counts over time as small as a word, for one row of a list."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

__all__ = ["sparkline"]

_HEIGHT = 20
_STEP = 4
_BAR = 3


def sparkline(counts: Sequence[int], interval: str = "day") -> Markup:
    """Return an SVG with a bar for each of ``counts``, the oldest first.

    ``interval`` is what one bar stands for; those who do not see the picture are told
    it, with the sum and the largest.
    """
    width = max(1, len(counts)) * _STEP - (_STEP - _BAR)
    return Markup(
        '<svg class="spark" role="img" viewBox="0 0 {} {}" width="{}" height="{}" '
        'aria-label="{}"><path d="{}"/></svg>'
    ).format(width, _HEIGHT, width, _HEIGHT, _words(counts, interval), _path(counts))


def _words(counts: Sequence[int], interval: str) -> str:
    if not any(counts):
        return f"none in {len(counts)} {interval}s"
    return (
        f"{sum(counts)} in {len(counts)} {interval}s, at most {max(counts)} in one, "
        f"{counts[-1]} in the last"
    )


def _path(counts: Sequence[int]) -> str:
    """Return the bars as one path; whatever is not nothing is seen."""
    most = max(counts, default=0) or 1
    return "".join(
        f"M{_STEP * at} {_HEIGHT}v-{max(1, round(_HEIGHT * count / most))}"
        f"h{_BAR}V{_HEIGHT}z"
        for at, count in enumerate(counts)
        if count > 0
    )
