"""What was made to crash, and what is to become of it."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

__all__ = ["Crash", "Fate", "Ledger"]


class Fate(enum.StrEnum):
    """What is to be left of a crash."""

    STORED = "stored"
    """The whole core is caught and analysed, and the store has the snapshot, once."""
    LESS = "less"
    """Less than a whole core, which says so; or a refusal that was counted."""
    CUT = "cut"
    """The machine was reset while it was dumped: a record or nothing, no half core."""
    COUNTED = "counted"
    """One of a storm: it is archived, or counted as one more of its kind."""


@attrs.frozen
class Crash:
    """One process that was made to crash."""

    program: str
    """Base name of its executable."""
    pid: int | None
    """In the guest; None where only a container knows it."""
    signal: int
    time: int
    """Nanoseconds UTC of the guest's clock."""
    fate: Fate
    step: str

    def __str__(self) -> str:
        """Name it in a failure."""
        return f"{self.program}[{self.pid or '?'}] of step {self.step}"


@attrs.define
class Ledger:
    """Every crash that the test made, in its order."""

    crashes: list[Crash] = attrs.field(factory=list)

    def of(self, *fates: Fate) -> Iterator[Crash]:
        """Yield those with one of these fates."""
        return (crash for crash in self.crashes if crash.fate in fates)
