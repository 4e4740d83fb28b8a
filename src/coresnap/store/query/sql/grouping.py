"""Groups of faults: first a page of keys, then the folds of those alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from coresnap.store.query import limits
from coresnap.store.query.checking_folds import BUCKETS
from coresnap.store.query.query import Fold, FoldName, Order, OrderBy, Query
from coresnap.store.query.result import Buckets, FoldValue, Group, Result
from coresnap.store.query.sql.aggregates import aggregates, fold_value, measure
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.buckets import bins, counted_values, intervals_of
from coresnap.store.query.sql.conditions import COMPARISONS
from coresnap.store.query.sql.keys import Key, key_condition
from coresnap.store.query.sql.rows import Rows
from coresnap.store.query.sql.version_conditions import different_versions, is_version
from coresnap.store.query.versions import version_rank

__all__ = ["answer_groups"]

_NOTHING = Buckets((), ())
_EXTREMES = (FoldName.MINIMUM, FoldName.MAXIMUM, FoldName.RANGE)


@attrs.frozen
class _Page:
    """The keys of a page with their counts."""

    counts: dict[Key, int]
    total: int
    faults: int


def answer_groups(asking: Asking) -> Result:
    """Return one page of groups with their folds."""
    query = asking.query
    page = _page(asking)
    keys = list(page.counts)
    columns = _folds(asking, keys) if keys else []
    groups = tuple(
        Group(key, count, tuple(column.get(key) for column in columns))
        for key, count in page.counts.items()
    )
    return Result(query.group, groups=groups, total=page.total, faults=page.faults)


@attrs.define
class _PageStatement:
    """All groups with what they are chosen and sorted by, as one statement."""

    asking: Asking
    rows: Rows
    keys: list[str]
    measures: dict[tuple[int, int], str]
    """By index of the fold and of its value."""
    groups: str
    passes: str

    @classmethod
    def of(cls, asking: Asking) -> _PageStatement:
        """Write what the page and the totals have in common."""
        query, rows = asking.query, asking.rows()
        columns = [rows.column(name) for name in query.group]
        keys = [f"k{n}" for n in range(len(columns))]
        used = _used_measures(query)
        measures = {pair: f"m{n}" for n, pair in enumerate(used)}
        items = [
            f"{column} AS {key}" for column, key in zip(columns, keys, strict=True)
        ]
        items.append("count(*) AS n")
        for (fold, part), name in measures.items():
            items.append(f"{measure(query.folds[fold], part, rows)} AS {name}")
        where = asking.where(rows)
        groups = f"SELECT {', '.join(items)} FROM {rows.text()} WHERE {where}"
        if columns:
            groups += f" GROUP BY {', '.join(columns)}"
        passes = _passes(query, rows, measures)
        return cls(asking, rows, keys, measures, groups, passes)

    def totals(self, over: str = "") -> str:
        """SELECT items: how many groups pass, how many faults there are."""
        passing = f"sum(CASE WHEN {self.passes} THEN 1 ELSE 0 END)"
        return f"{passing}{over} AS total, sum(n){over} AS faults"

    def order(self) -> str:
        """What follows ORDER BY."""
        orders = self.asking.query.order or (Order(OrderBy.COUNT, descending=True),)
        terms = [f"{self._by(order)} {_direction(order)}" for order in orders]
        terms += [f"{key} ASC NULLS LAST" for key in self.keys]
        return ", ".join(terms)

    def _by(self, order: Order) -> str:
        if order.by is OrderBy.COUNT:
            return "n"
        if order.by is OrderBy.FOLD:
            return self.measures[order.fold, order.part]
        key = self.keys[order.part]
        name = self.asking.query.group[order.part]
        if not is_version(self.asking.names[name]):
            return key
        versions = different_versions(self.asking, name)
        listed = [self.rows.add(version) for version in versions]
        place = self.rows.dialect.position(key, listed)
        return f"CASE WHEN {key} IS NOT NULL THEN {place} END"


def _direction(order: Order) -> str:
    return f"{'DESC' if order.descending else 'ASC'} NULLS LAST"


def _used_measures(query: Query) -> list[tuple[int, int]]:
    pairs = [(o.fold, o.part) for o in query.order if o.by is OrderBy.FOLD]
    pairs += [(h.fold, h.part) for h in query.having if h.fold is not None]
    return list(dict.fromkeys(pairs))


def _passes(query: Query, rows: Rows, measures: dict[tuple[int, int], str]) -> str:
    """SQL of: there is a fault, and the group passes all of ``having``."""
    parts = ["n > 0"]
    for having in query.having:
        what = "n" if having.fold is None else measures[having.fold, having.part]
        sign = COMPARISONS[having.operator]
        test = f"{what} {sign} {rows.add(having.value)}"
        if sign == "<>":
            test += f" OR {what} IS NULL"
        parts.append(f"({test})")
    return " AND ".join(parts)


def _page(asking: Asking) -> _Page:
    query = asking.query
    statement = _PageStatement.of(asking)
    rows = statement.rows
    columns = ", ".join([*statement.keys, "n", "total", "faults"])
    listed = (
        f"SELECT {columns} FROM (SELECT *, {statement.totals(' OVER ()')} FROM "
        f"({statement.groups}) AS g) AS h WHERE {statement.passes} "
        f"ORDER BY {statement.order()} "
        f"LIMIT {rows.add(query.limit)} OFFSET {rows.add(query.offset)}"
    )
    found = asking.run(listed, rows)
    if not found:
        return _empty_page(asking)
    size = len(statement.keys)
    return _Page(
        {row[:size]: int(row[size]) for row in found},
        int(found[0][size + 1]),
        int(found[0][size + 2]),
    )


def _empty_page(asking: Asking) -> _Page:
    """Return a page behind the last one: the totals are all it has."""
    statement = _PageStatement.of(asking)
    text = f"SELECT {statement.totals()} FROM ({statement.groups}) AS g"
    ((total, faults),) = asking.run(text, statement.rows)
    return _Page({}, int(total or 0), int(faults or 0))


def _folds(asking: Asking, keys: list[Key]) -> list[dict[Key, FoldValue]]:
    """Return for each fold its values by key."""
    columns: list[dict[Key, FoldValue]] = [{} for _ in asking.query.folds]
    single: list[tuple[int, Fold]] = []
    for index, fold in enumerate(asking.query.folds):
        if fold.name in BUCKETS:
            columns[index] = _bucket_fold(asking, fold, keys)
        elif fold.name is FoldName.UNIQUE and _is_words(asking, fold):
            columns[index] = _different_words(asking, fold, keys)
        elif fold.name in _EXTREMES and is_version(asking.names[fold.attribute]):
            columns[index] = _extreme_versions(asking, fold, keys)
        else:
            single.append((index, fold))
    if single:
        _single_folds(asking, single, keys, columns)
    return columns


def _is_words(asking: Asking, fold: Fold) -> bool:
    return asking.names[fold.attribute].kind == "labels"


def _bucket_fold(asking: Asking, fold: Fold, keys: list[Key]) -> dict[Key, FoldValue]:
    found: dict[Key, Buckets] = {}
    nothing = _NOTHING
    if fold.name is not FoldName.BIN:
        found = counted_values(asking, fold, keys)
    elif intervals := intervals_of(asking, fold):
        found = bins(asking, fold, intervals, keys)
        zeros = (0,) * len(intervals.edges)
        nothing = Buckets(intervals.edges, zeros, width=intervals.width)
    return {key: found.get(key, nothing) for key in keys}


def _different_words(
    asking: Asking, fold: Fold, keys: list[Key]
) -> dict[Key, FoldValue]:
    one = Fold(FoldName.HISTOGRAM, fold.attribute, size=1)
    found = counted_values(asking, one, keys)
    nothing = _NOTHING
    return {key: len((b := found.get(key, nothing)).keys) + b.others for key in keys}


def _extreme_versions(
    asking: Asking, fold: Fold, keys: list[Key]
) -> dict[Key, FoldValue]:
    every = Fold(FoldName.HISTOGRAM, fold.attribute, size=limits.VERSIONS)
    found = counted_values(asking, every, keys)
    values: dict[Key, FoldValue] = dict.fromkeys(keys)
    for key, buckets in found.items():
        texts = [str(text) for text in buckets.keys]
        ranked = sorted(texts, key=lambda text: (version_rank(text), text.encode()))
        ends = (ranked[0], ranked[-1])
        if fold.name is FoldName.RANGE:
            values[key] = ends
        else:
            values[key] = ends[fold.name is FoldName.MAXIMUM]
    return values


def _single_folds(
    asking: Asking,
    folds: Sequence[tuple[int, Fold]],
    keys: list[Key],
    columns: list[dict[Key, FoldValue]],
) -> None:
    rows = asking.rows()
    group = [rows.column(name) for name in asking.query.group]
    items = [aggregates(fold, rows) for _, fold in folds]
    where = f"{asking.where(rows)} AND {key_condition(rows, group, keys)}"
    listed = ", ".join([*group, *(item for part in items for item in part)])
    statement = f"SELECT {listed} FROM {rows.text()} WHERE {where}"
    if group:
        statement += f" GROUP BY {', '.join(group)}"
    for row in asking.run(statement, rows):
        key, values = row[: len(group)], iter(row[len(group) :])
        for (index, fold), part in zip(folds, items, strict=True):
            own: tuple[Any, ...] = tuple(next(values) for _ in part)
            kind = asking.names[fold.attribute].kind
            columns[index][key] = fold_value(fold, own, kind)
