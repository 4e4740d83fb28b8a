"""Which target a value leads to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from coresnap.analysis.aliases.targets import Target

__all__ = ["TargetMap"]


class TargetMap:
    """Targets by address. Of overlapping ones the first that was given counts."""

    def __init__(self, targets: Iterable[Target] = ()) -> None:
        self.targets: list[Target] = []
        self._starts: list[int] = []
        for target in targets:
            self.add(target)

    def add(self, target: Target) -> bool:
        """Take one more; False if it overlaps what is there."""
        index = bisect_right(self._starts, target.start)
        if index and target.start < self.targets[index - 1].end:
            return False
        if index < len(self.targets) and self.targets[index].start < target.end:
            return False
        self.targets.insert(index, target)
        self._starts.insert(index, target.start)
        return True

    def of(self, value: int) -> Target | None:
        """The target that ``value`` points into."""
        index = bisect_right(self._starts, value) - 1
        if index >= 0 and value < self.targets[index].end:
            return self.targets[index]
        return None

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Their addresses, ascending."""
        return [(target.start, target.end) for target in self.targets]
