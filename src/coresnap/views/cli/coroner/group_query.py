"""The questions behind a list of groups: one for the groups, one for each one's faults.

The places of folds in the answer are names here, for whoever prints it.
"""

from __future__ import annotations

import argparse
import time

import attrs

from coresnap.store.fault import Value
from coresnap.store.query.order_words import parse_having, parse_order
from coresnap.store.query.query import (
    AllOf,
    Condition,
    Fold,
    FoldName,
    Operator,
    Order,
    OrderBy,
    Query,
)
from coresnap.store.query.result import Buckets, FoldValue, Group
from coresnap.views.cli.coroner.query_options import derived_of, filter_of

__all__ = ["KEYS", "TREND_DAYS", "FoldsOfGroup", "fault_query", "group_query", "names"]

KEYS = ("group", "group.state", "group.assignee", "group.first_seen")
TREND_DAYS = 30
_DAY = 86400
_MOST_VALUES = 5
_MOST_CLASSIFIERS = 10


@attrs.frozen
class FoldsOfGroup:
    """A group of the answer, its folds by name."""

    group: Group
    attributes: tuple[str, ...]
    """Those with a histogram."""

    def _at(self, index: int) -> FoldValue:
        return self.group.folds[index]

    @property
    def id(self) -> str:
        """64 hex digits."""
        return str(self.group.key[0])

    @property
    def state(self) -> str:
        """Of the workflow; ``open`` where nobody said anything."""
        return str(self.group.key[1] or "open")

    @property
    def assignee(self) -> str:
        """Empty for nobody."""
        return str(self.group.key[2] or "")

    @property
    def first_seen(self) -> int:
        """When the group's earliest crash was, whatever was asked: seconds UTC."""
        return int(self.group.key[3] or 0)

    @property
    def times(self) -> tuple[int, int]:
        """Of its first and last crash: seconds, UTC since the epoch."""
        found = self._at(0)
        if not isinstance(found, tuple) or None in found:
            return 0, 0
        first, last = (int(value) for value in found if value is not None)
        return first, last

    @property
    def trend(self) -> tuple[int, ...]:
        """Faults of each day, the last day today."""
        found = self._at(1)
        return found.counts if isinstance(found, Buckets) else ()

    @property
    def callstack(self) -> tuple[str, ...]:
        """Of the fault that came last, innermost first."""
        found = self._at(2)
        return tuple(found.split("\n")) if isinstance(found, str) else ()

    @property
    def classifiers(self) -> Buckets:
        """Names with their counts."""
        return self._buckets(3)

    def histogram(self, index: int) -> Buckets:
        """Of the ``index``th of ``attributes``."""
        return self._buckets(4 + index)

    def _buckets(self, index: int) -> Buckets:
        found = self._at(index)
        return found if isinstance(found, Buckets) else Buckets((), ())


def names(text: str) -> tuple[str, ...]:
    """The names in ``a,b,c``, each once."""
    return tuple(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))


def group_query(arguments: argparse.Namespace) -> Query:
    """Return what is asked for the list of groups. Raises QueryError."""
    # The end of the day, so that today is a whole one.
    end = (int(time.time()) // _DAY + 1) * _DAY
    folds = (
        Fold(FoldName.RANGE, "timestamp"),
        Fold(
            FoldName.BIN,
            "timestamp",
            size=TREND_DAYS,
            lower=end - TREND_DAYS * _DAY,
            upper=end,
        ),
        Fold(FoldName.TAIL, "callstack"),
        Fold(FoldName.DISTRIBUTION, "classifiers", size=_MOST_CLASSIFIERS),
        *(
            Fold(FoldName.DISTRIBUTION, name, size=_MOST_VALUES)
            for name in names(arguments.frequency)
        ),
    )
    return Query(
        filter=filter_of(arguments),
        group=KEYS,
        folds=folds,
        having=tuple(parse_having(word, folds) for word in arguments.having),
        order=_order(arguments, folds),
        derived=derived_of(arguments),
        limit=arguments.limit,
        offset=arguments.offset,
        until=arguments.until,
    )


def _order(arguments: argparse.Namespace, folds: tuple[Fold, ...]) -> tuple[Order, ...]:
    if arguments.sort:
        return tuple(
            parse_order(word, group=KEYS, folds=folds) for word in arguments.sort
        )
    if arguments.recent:
        return (Order(OrderBy.FOLD, descending=True, fold=0, part=1),)
    return ()


def fault_query(query: Query, group: str, count: int, expand: tuple[str, ...]) -> Query:
    """Return what is asked for the latest ``count`` faults of a group."""
    return Query(
        filter=AllOf((query.filter, Condition("group", Operator.EQUAL, group))),
        select=("object", "timestamp", "classifiers", *_others(expand)),
        order=(Order(OrderBy.ATTRIBUTE, descending=True, attribute="timestamp"),),
        limit=count,
        until=query.until,
    )


def _others(expand: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(n for n in expand if n not in ("object", "timestamp", "classifiers"))


def texts(values: tuple[Value | None, ...]) -> tuple[str, ...]:
    """Values as text, unset ones empty."""
    return tuple("" if value is None else str(value) for value in values)
