"""Adds up outcomes: per classifier, what was found and what was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from lab.judging import Outcome

__all__ = ["Row", "Totals", "confusion", "percent", "totals"]


@attrs.define
class Row:
    """One classifier over many cores."""

    name: str
    true_positive: int = 0
    """Found, and had to be."""
    allowed: int = 0
    """Found, and true, but not asked for."""
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0
    """Cores of which it was not said, rightly."""

    @property
    def recall(self) -> float | None:
        """Share of those that had to be found; None if there are none."""
        return _share(self.true_positive, self.false_negative)

    @property
    def precision(self) -> float | None:
        """Share of what was said that is true; None if it was not said."""
        return _share(self.true_positive + self.allowed, self.false_positive)


@attrs.frozen
class Totals:
    """The numbers that have to be zero, and the recall."""

    cores: int
    found: int
    missing: int
    lacking: int
    """Blocks and functions that had to be named, and were not."""
    wrong: int
    sure: int
    """Of the wrong ones, the certain and strong."""
    alarms: int
    failures: int

    @property
    def recall(self) -> float | None:
        """Share of the verdicts that had to be found."""
        return _share(self.found, self.missing)

    def __str__(self) -> str:
        return (
            f"{self.cores} cores: {percent(self.recall)} of "
            f"{self.found + self.missing} verdicts found, {self.lacking} blocks or "
            f"functions not known; {self.wrong} wrong, {self.sure} of them certain or "
            f"strong; {self.alarms} memory verdicts where memory is fine; "
            f"{self.failures} failures"
        )


def percent(share: float | None) -> str:
    """``98 %``, or a dash for None."""
    return "–" if share is None else f"{share * 100:.0f} %"


def totals(outcomes: Iterable[Outcome]) -> Totals:
    """Add up everything."""
    all_of_them = list(outcomes)
    return Totals(
        cores=len(all_of_them),
        found=sum(len(o.hits) for o in all_of_them),
        missing=sum(len(o.missing) for o in all_of_them),
        lacking=sum(len(o.lacking) for o in all_of_them),
        wrong=sum(len(o.wrong) for o in all_of_them),
        sure=sum(len(o.sure) for o in all_of_them),
        alarms=sum(len(o.alarms) for o in all_of_them),
        failures=sum(len(o.failures) for o in all_of_them),
    )


def confusion(outcomes: Sequence[Outcome]) -> list[Row]:
    """A row for each name that somebody said or had to say."""
    rows: dict[str, Row] = {}

    def row(name: str) -> Row:
        return rows.setdefault(name, Row(name))

    for outcome in outcomes:
        for name in outcome.hits:
            row(name).true_positive += 1
        for name in outcome.allowed:
            row(name).allowed += 1
        for name in outcome.wrong:
            row(name).false_positive += 1
        for names in outcome.missing:
            row(names.partition("|")[0]).false_negative += 1
    for one in rows.values():
        said = one.true_positive + one.allowed + one.false_positive
        one.true_negative = len(outcomes) - said - one.false_negative
    return sorted(rows.values(), key=lambda one: one.name)


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None
