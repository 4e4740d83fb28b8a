"""What the page of one group asks for, and how its values are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.presentation import present
from coresnap.store.fault import Value
from coresnap.store.query.query import Condition, Fold, FoldName, Operator, Query
from coresnap.store.query.result import Buckets, FoldValue, Result
from coresnap.views.web.groups.narrowing import Narrowing, condition_word

__all__ = [
    "Histogram",
    "Line",
    "Seen",
    "faults_query",
    "rows_of",
    "seen_query",
]

_FAULTS = 20
"""Faults on one page."""
_VALUES = 6
_LONGEST_LINK = 500
_FIRST_FOLDS = 3


def _in_group(group: str) -> Condition:
    return Condition("group", Operator.EQUAL, group)


def seen_query(narrowing: Narrowing, group: str, attributes: Sequence[str]) -> Query:
    """Return what is asked of all the group's faults that pass."""
    return Query(
        filter=narrowing.filter(_in_group(group)),
        folds=(
            Fold(FoldName.RANGE, "timestamp"),
            narrowing.span.fold(),
            Fold(FoldName.UNIQUE, "hostname"),
            *(Fold(FoldName.DISTRIBUTION, n, size=_VALUES) for n in attributes),
        ),
    )


def faults_query(
    narrowing: Narrowing, group: str, columns: Sequence[str], until: int | None
) -> Query:
    """Return what is asked for one page of its faults, the last accepted first."""
    return Query(
        filter=narrowing.filter(_in_group(group)),
        select=("object", "timestamp", *columns),
        limit=_FAULTS,
        until=until,
    )


@attrs.frozen
class Line:
    """One value of a histogram."""

    text: str
    count: int
    share: float
    """Of all faults that were looked at."""
    word: str | None
    """The condition of the faults that have it; None where it is too long for one."""


@attrs.frozen
class Histogram:
    """The most frequent values of an attribute."""

    attribute: Attribute
    buckets: Buckets
    faults: int

    @property
    def name(self) -> str:
        """Of the attribute."""
        return self.attribute.name

    def lines(self) -> Iterator[Line]:
        """Yield its values, the most frequent first."""
        for key, count in zip(self.buckets.keys, self.buckets.counts, strict=True):
            word = _word(self.attribute, key)
            yield Line(
                present(key, self.attribute),
                count,
                count / self.faults if self.faults else 0,
                word if len(word) <= _LONGEST_LINK else None,
            )


def _word(attribute: Attribute, value: Value) -> str:
    if attribute.kind is Kind.LABELS:
        return f"{attribute.name},contains,{value}"
    return condition_word(attribute.name, value)


@attrs.frozen
class Seen:
    """What was answered to ``seen_query``."""

    found: Result
    attributes: Sequence[Attribute]

    @property
    def faults(self) -> int:
        """That passed."""
        return self.found.faults

    def _fold(self, at: int) -> FoldValue:
        groups = self.found.groups
        return groups[0].folds[at] if groups else None

    @property
    def trend(self) -> FoldValue:
        """Counts of the intervals."""
        return self._fold(1)

    @property
    def hosts(self) -> int:
        """Different ones."""
        found = self._fold(2)
        return found if isinstance(found, int) else 0

    def histograms(self) -> Iterator[Histogram]:
        """Yield those that have any value."""
        for at, attribute in enumerate(self.attributes, _FIRST_FOLDS):
            found = self._fold(at)
            if isinstance(found, Buckets) and found.keys:
                yield Histogram(attribute, found, self.faults)


def rows_of(
    found: Result, known: Mapping[str, Attribute]
) -> list[tuple[str, int | None, list[str]]]:
    """Return for each fault its object, its time and its other values as texts."""
    rows = []
    for row in found.rows:
        object_, when, *others = row.values
        texts = [
            "" if value is None else present(value, known[name])
            for name, value in zip(found.columns[2:], others, strict=True)
        ]
        rows.append((str(object_), None if when is None else int(when), texts))
    return rows
