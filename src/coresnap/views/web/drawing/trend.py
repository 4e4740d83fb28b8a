"""Counts over time with their scale, for the top of a page."""

from __future__ import annotations

import time
from collections.abc import Sequence

import attrs
from markupsafe import Markup

__all__ = ["Trend", "trend"]

_DAY = 86400
_HEIGHT = 100
_STEP = 10
_BAR = 8
_LABELS = 4


@attrs.frozen
class Trend:
    """Faults in intervals of equal width."""

    begin: int
    """Of the first interval: seconds, UTC since the epoch."""
    width: int
    """Of each, in seconds."""
    counts: Sequence[int]

    @property
    def end(self) -> int:
        """Of the last interval."""
        return self.begin + self.width * len(self.counts)


def trend(shown: Trend) -> Markup:
    """Return a <figure>: bars as SVG, and their scales as text.

    The texts stand outside of the picture, so that they keep their size where it is
    squeezed into the width of a phone.
    """
    width = max(1, len(shown.counts)) * _STEP
    bars = Markup("").join(
        _bar(shown, at, count) for at, count in enumerate(shown.counts)
    )
    return Markup(
        '<figure class="trend"><p class="top-scale">{}</p>'
        '<svg role="img" viewBox="0 0 {} {}" preserveAspectRatio="none" '
        'aria-label="{}"><path class="grid" d="M0 .5H{}M0 {}H{}"/>{}</svg>'
        "<figcaption>{}</figcaption></figure>"
    ).format(
        _scale(shown),
        width,
        _HEIGHT,
        _words(shown),
        width,
        _HEIGHT // 2,
        width,
        bars,
        _labels(shown),
    )


def _bar(shown: Trend, at: int, count: int) -> Markup:
    most = max(shown.counts, default=0) or 1
    height = max(1.5, _HEIGHT * count / most) if count else 0
    return Markup(
        '<g><rect class="hover" x="{}" width="{}" height="{}"/>'
        '<rect class="bar" x="{}" y="{:.4g}" width="{}" height="{:.4g}"/>'
        "<title>{}: {}</title></g>"
    ).format(
        _STEP * at,
        _STEP,
        _HEIGHT,
        _STEP * at + 1,
        _HEIGHT - height,
        _BAR,
        height,
        _moment(shown.begin + at * shown.width, shown.width),
        count,
    )


def _scale(shown: Trend) -> str:
    most = f"{max(shown.counts, default=0):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{most} at most {_interval(shown.width)}"


def _words(shown: Trend) -> str:
    return (
        f"{sum(shown.counts)} faults from {_moment(shown.begin, shown.width)} to "
        f"{_moment(shown.end - shown.width, shown.width)}, {_scale(shown)}"
    )


def _interval(width: int) -> str:
    if width % _DAY:
        return f"in {width // 3600} h" if width != 3600 else "in an hour"
    return f"in {width // _DAY} days" if width != _DAY else "in a day"


def _labels(shown: Trend) -> Markup:
    """Return the beginnings of some intervals, evenly apart, and the last one."""
    count = len(shown.counts)
    places = sorted({round(n * (count - 1) / (_LABELS - 1)) for n in range(_LABELS)})
    return Markup("").join(
        Markup("<span>{}</span>").format(
            _moment(shown.begin + max(0, at) * shown.width, shown.width)
        )
        for at in places
    )


def _moment(seconds: int, width: int) -> str:
    form = "%Y-%m-%d" if width % _DAY == 0 else "%m-%d %H:%M"
    return time.strftime(form, time.gmtime(seconds))
