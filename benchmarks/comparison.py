"""What two series of figures, taken in turn, say about each other.

Each round measures both sides one right after the other, so a machine that becomes
slower makes both slower. What is compared is therefore the ratio within each round:
its median over the rounds, and an interval that holds 95 % of the medians of as many
rounds drawn again from those that were measured (a bootstrap).
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Any

import attrs

__all__ = ["Comparison", "compared", "markdown"]

DRAWS = 4000
SPREAD = 0.95


@attrs.frozen
class Comparison:
    """One benchmark on both sides."""

    name: str
    unit: str
    base: tuple[float, ...]
    head: tuple[float, ...]
    """One figure for each round; more is worse."""
    ratio: float
    """head / base, the median over the rounds."""
    low: float
    high: float
    """The interval of that median."""

    @property
    def is_beyond_noise(self) -> bool:
        """Whether the interval leaves 1 out."""
        return self.low > 1 or self.high < 1

    def is_regression(self, threshold: float) -> bool:
        """Whether head is worse by more than ``threshold`` (0.1: a tenth)."""
        return self.low > 1 and self.ratio > 1 + threshold

    def verdict(self, threshold: float) -> str:
        """The comparison in a word or two."""
        if self.is_regression(threshold):
            return "**regression**"
        if not self.is_beyond_noise:
            return "noise"
        return "worse, within the threshold" if self.ratio > 1 else "better"

    def as_json(self, threshold: float) -> dict[str, Any]:
        """What ``--json`` writes of it."""
        return {**attrs.asdict(self), "verdict": self.verdict(threshold).strip("*")}


def compared(
    name: str, unit: str, base: Sequence[float], head: Sequence[float]
) -> Comparison:
    """Compare figures of as many rounds, at least two, none of which is zero."""
    ratios = [h / b for b, h in zip(base, head, strict=True)]
    # The same figures always give the same interval.
    dice = random.Random(0)
    medians = sorted(
        statistics.median(dice.choices(ratios, k=len(ratios))) for _ in range(DRAWS)
    )
    outside = int(DRAWS * (1 - SPREAD) / 2)
    low, high = medians[outside], medians[-1 - outside]
    return Comparison(
        name, unit, tuple(base), tuple(head), statistics.median(ratios), low, high
    )


def markdown(comparisons: Sequence[Comparison], threshold: float) -> str:
    """Return a table of all of them."""
    lines = [
        "| | base, median | head, median | head / base [95 %] | |",
        "|---|---|---|---|---|",
    ]
    for one in comparisons:
        before, after = statistics.median(one.base), statistics.median(one.head)
        interval = f"{one.ratio:.3f} [{one.low:.3f}–{one.high:.3f}]"
        lines.append(
            f"| {one.name} | {before:,.4g} {one.unit} | {after:,.4g} {one.unit} "
            f"| {interval} | {one.verdict(threshold)} |"
        )
    return "\n".join(lines)
