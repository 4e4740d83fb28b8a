"""How near two stacks are: a weighted edit distance, and what it is made of.

A frame weighs less the further out it stands and the more of the known stacks have it
(as in TraceSim, Vasiliev et al. 2020, and FaST, Rodrigues et al. 2022). It can be left
out of one stack, put into the other, or stand in both, at some distance; the cheapest
way is the distance. It is 0 for equal stacks and 1 for those without a common frame.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import exp

import msgspec

__all__ = ["SIMILAR", "Comparison", "Rarity", "Step", "compare"]

SIMILAR = 0.45
"""The distance up to which two stacks are worth a look; ``benchmarks/grouping.py``
measures what it finds."""
_DECLINE = 0.9
_COMMONNESS = 1.5
_DRIFT = 0.15
_MOST_FRAMES = 64


class Rarity:
    """How rare each frame is among the stacks that one knows."""

    def __init__(self, stacks: Iterable[Sequence[str]]) -> None:
        """Count in how many of ``stacks`` each frame stands."""
        self._counts: Counter[str] = Counter()
        self._stacks = 0
        for stack in stacks:
            self._counts.update(set(stack))
            self._stacks += 1

    def weight(self, frame: str, place: int) -> float:
        """What ``frame`` says, the ``place``-th from the inner end."""
        share = self._counts[frame] / self._stacks if self._stacks > 1 else 0.0
        weight: float = (1 + place) ** -_DECLINE * exp(-_COMMONNESS * share)
        return weight


class Step(msgspec.Struct, frozen=True):
    """One frame on the way from one stack to the other."""

    frame: str
    cost: float
    """Its part of the distance; those of all steps add up to it."""
    one: int | None = None
    """Where it stands in the first stack; None: only the other has it."""
    other: int | None = None


class Comparison(msgspec.Struct, frozen=True):
    """How near two stacks are, and why."""

    distance: float
    """0 equal, 1 without a common frame."""
    steps: tuple[Step, ...]
    """Innermost first."""


def compare(
    one: Sequence[str], other: Sequence[str], rarity: Rarity | None = None
) -> Comparison:
    """Compare two stacks of normalised frames, innermost first.

    Of each the first 64 frames are looked at.
    """
    table = _Table(one[:_MOST_FRAMES], other[:_MOST_FRAMES], rarity or Rarity(()))
    whole = sum(table.weights) + sum(table.other_weights)
    if not whole:
        return Comparison(0.0, ())
    steps = [
        Step(frame, cost / whole, at, there) for frame, cost, at, there in table.way()
    ]
    return Comparison(min(1.0, table.cost() / whole), tuple(steps))


class _Table:
    """Costs of making beginnings of the one stack beginnings of the other."""

    def __init__(
        self, one: Sequence[str], other: Sequence[str], rarity: Rarity
    ) -> None:
        self.one, self.other = one, other
        self.weights = [rarity.weight(frame, at) for at, frame in enumerate(one)]
        self.other_weights = [rarity.weight(f, at) for at, f in enumerate(other)]
        self._costs = [[0.0] * (len(other) + 1) for _ in range(len(one) + 1)]
        for row in range(len(one) + 1):
            for column in range(len(other) + 1):
                if row or column:
                    self._costs[row][column] = min(self._choices(row, column))[0]

    def cost(self) -> float:
        return self._costs[-1][-1]

    def _choices(self, row: int, column: int) -> list[tuple[float, int, float]]:
        """(cost so far, which of three, cost of the step)."""
        found = []
        if row and column and self.one[row - 1] == self.other[column - 1]:
            weight = self.weights[row - 1] + self.other_weights[column - 1]
            step = weight * (1 - exp(-_DRIFT * abs(row - column)))
            found.append((self._costs[row - 1][column - 1] + step, 0, step))
        if row:
            step = self.weights[row - 1]
            found.append((self._costs[row - 1][column] + step, 1, step))
        if column:
            step = self.other_weights[column - 1]
            found.append((self._costs[row][column - 1] + step, 2, step))
        return found

    def way(self) -> list[tuple[str, float, int | None, int | None]]:
        """The cheapest steps, innermost first."""
        row, column = len(self.one), len(self.other)
        steps: list[tuple[str, float, int | None, int | None]] = []
        while row or column:
            _, which, cost = min(self._choices(row, column))
            row -= which in (0, 1)
            column -= which in (0, 2)
            frame = self.one[row] if which < 2 else self.other[column]
            at = row if which < 2 else None
            steps.append((frame, cost, at, column if which != 1 else None))
        return steps[::-1]
