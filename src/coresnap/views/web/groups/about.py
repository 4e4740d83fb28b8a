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
    "FaultTable",
    "Histogram",
    "Line",
    "Seen",
    "faults_of",
    "faults_query",
    "seen_query",
]

_FAULTS = 20
"""Faults on one page."""
_VALUES = 6
_LONGEST_LINK = 500
_FIRST_FOLDS = 2


def _in_group(group: str) -> Condition:
    return Condition("group", Operator.EQUAL, group)


def seen_query(narrowing: Narrowing, group: str, attributes: Sequence[str]) -> Query:
    """Return what is asked of all the group's faults that pass."""
    return Query(
        filter=narrowing.filter(_in_group(group)),
        # by a key the index finds its faults by their fingerprints
        group=("group",),
        folds=(
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
        return self._fold(0)

    @property
    def hosts(self) -> int:
        """Different ones."""
        found = self._fold(1)
        return found if isinstance(found, int) else 0

    def histograms(self) -> Iterator[Histogram]:
        """Yield those that have any value."""
        for at, attribute in enumerate(self.attributes, _FIRST_FOLDS):
            found = self._fold(at)
            if isinstance(found, Buckets) and found.keys:
                yield Histogram(attribute, found, self.faults)


@attrs.frozen
class FaultTable:
    """Faults of a group, one a row."""

    columns: Sequence[str]
    """Attributes that one of them has, after its object and its time."""
    rows: Sequence[tuple[str, int | None, Sequence[str]]]
    """Object, seconds of the crash, and the texts of ``columns``."""


def faults_of(found: Result, known: Mapping[str, Attribute]) -> FaultTable:
    """Return what was answered to ``faults_query``."""
    used = [
        at
        for at in range(2, len(found.columns))
        if any(row.values[at] is not None for row in found.rows)
    ]
    names = [found.columns[at] for at in used]
    rows = []
    for row in found.rows:
        when = row.values[1]
        texts = [_shown(row.values[at], known[found.columns[at]]) for at in used]
        rows.append((str(row.values[0]), None if when is None else int(when), texts))
    return FaultTable(names, rows)


def _shown(value: Value | None, attribute: Attribute) -> str:
    return "" if value is None else present(value, attribute)
