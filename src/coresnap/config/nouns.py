"""Values of settings that are more than a number, a word or a path."""

from __future__ import annotations

import re

import attrs

__all__ = ["Rate", "Route", "ScrubExpression", "Share"]


@attrs.frozen
class Rate:
    """A bucket of ``burst`` tokens that an empty one takes ``seconds`` to fill."""

    burst: int
    """0 for no limit."""
    seconds: int
    """Above 0."""


@attrs.frozen
class Share:
    """A part of a filesystem."""

    percent: int
    """0 to 100."""


@attrs.frozen
class Route:
    """Crashes that fit ``conditions`` belong to ``project``."""

    number: int
    """The N of ``format.N``; routes are tried in this order."""
    project: str
    conditions: tuple[tuple[str, re.Pattern[str]], ...]
    """Letter of a specifier and what has to be found in its value; none for all."""

    def fits(self, values: dict[str, str]) -> bool:
        """Whether a crash, by its specifiers' ``values``, is one of these."""
        return all(
            pattern.search(values.get(letter, ""))
            for letter, pattern in self.conditions
        )


@attrs.frozen
class ScrubExpression:
    """What an administrator wants to be taken out of snapshots."""

    number: int
    """The N of ``scrub.N``."""
    name: str
    pattern: str
    """As ``bounded_regex`` takes it."""
