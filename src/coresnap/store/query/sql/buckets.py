"""Folds with many values: histograms and intervals, for some groups at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from coresnap.store.attributes.attribute import Kind
from coresnap.store.query.intervals import Intervals
from coresnap.store.query.query import Fold, FoldName
from coresnap.store.query.result import Buckets
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.keys import Key, Keys
from coresnap.store.query.sql.rows import Rows

__all__ = ["BucketFold", "count_buckets", "intervals_of"]

Answers = dict[Key, Buckets]
"""Buckets by key; groups without a value are not there."""

_PAGE = "page"
"""Name of the faults of a page of groups, where a statement keeps them."""


@attrs.frozen
class BucketFold:
    """What is to be counted."""

    fold: Fold
    intervals: Intervals | None = None
    """Of a ``bin``."""


@attrs.frozen
class _Counted:
    """SELECT of keys ``k0``, …, a value ``v`` and its count ``n``."""

    text: str
    keys: list[str]

    def listed(self, *more: str) -> str:
        """Return the keys and more, as a list in SQL."""
        return ", ".join([*self.keys, *more])

    def over(self, order: str = "") -> str:
        """Return the window of all values of a group."""
        parts = f"PARTITION BY {self.listed()}" if self.keys else ""
        return f"OVER ({parts} {f'ORDER BY {order}' if order else ''})"


def count_buckets(
    asking: Asking, folds: Sequence[BucketFold], keys: Keys
) -> list[Answers]:
    """Return the buckets of each fold, by key."""
    if len(folds) > 1 and keys.is_selective and asking.relation.dialect.keeps_rows:
        return _together(asking, folds, keys)
    return [_alone(asking, one, keys) for one in folds]


def _alone(asking: Asking, one: BucketFold, keys: Keys) -> Answers:
    """Count one fold's values in a statement of its own."""
    rows = asking.rows()
    value = _value(rows, one)
    items = _keys(keys.columns(rows))
    where = keys.condition(rows)
    counted = _counted(items, value, f"{rows.text()} WHERE {where}")
    ranked = _ranked(rows, one, counted)
    if items:
        ranked += " ORDER BY p"
    found = asking.run(ranked, rows)
    return _answers(one, keys, found, len(items))


def _together(asking: Asking, folds: Sequence[BucketFold], keys: Keys) -> list[Answers]:
    """Count the values of several folds in one statement, which reads faults once.

    Most of the time of a small query goes into reading the description of each month's
    table. A row has the fold's index, its key, the value in the column of its type, and
    the counts.
    """
    rows = asking.rows()
    values = [_value(rows, one) for one in folds]
    items = _keys(keys.columns(rows))
    used = dict.fromkeys(rows.column(one.fold.attribute) for one in folds)
    where = keys.condition(rows)
    listed = ", ".join([*(f"{c} AS {k}" for k, c in items.items()), *used])
    faults = f"SELECT {listed} FROM {rows.text()} WHERE {where}"
    kinds = [_kind(asking, one) for one in folds]
    slots = sorted(set(kinds))
    parts = []
    for index, (one, value, kind) in enumerate(zip(folds, values, kinds, strict=True)):
        counted = _counted(dict.fromkeys(items, ""), value, _PAGE)
        columns = [f"{'v' if kind == slot else 'NULL'} AS v_{slot}" for slot in slots]
        parts.append(
            f"SELECT {index} AS fold, {counted.listed(*columns)}, n, d, t, p "
            f"FROM ({_ranked(rows, one, counted)}) AS f"
        )
    counts = " UNION ALL ".join(parts)
    statement = f"WITH {_PAGE} AS MATERIALIZED ({faults}) {counts} ORDER BY fold, p"
    return _parted(asking.run(statement, rows), folds, kinds, keys, len(items))


def _parted(
    found: list[tuple[Any, ...]],
    folds: Sequence[BucketFold],
    kinds: Sequence[Kind],
    keys: Keys,
    size: int,
) -> list[Answers]:
    slots = sorted(set(kinds))
    answers = []
    for index, (one, kind) in enumerate(zip(folds, kinds, strict=True)):
        place = 1 + size + slots.index(kind)
        own = [
            (*row[1 : 1 + size], row[place], *row[1 + size + len(slots) :])
            for row in found
            if row[0] == index
        ]
        answers.append(_answers(one, keys, own, size))
    return answers


def _kind(asking: Asking, one: BucketFold) -> Kind:
    """Return of which kind the counted values are."""
    kind, fold = asking.names[one.fold.attribute].kind, one.fold
    if fold.name is FoldName.BIN:
        return Kind.NUMBER
    if fold.name is FoldName.QUANTIZE and not float(fold.width).is_integer():
        return Kind.NUMBER
    return Kind.TEXT if kind is Kind.LABELS else kind


def _value(rows: Rows, one: BucketFold) -> str:
    """SQL of what is counted."""
    column, kind = rows.column(one.fold.attribute), rows.names[one.fold.attribute].kind
    if one.intervals is not None:
        return _place(rows, column, kind, one.intervals)
    if one.fold.name is FoldName.QUANTIZE:
        return rows.quantized(column, one.fold.width, kind)
    return column


def _keys(columns: Sequence[str]) -> dict[str, str]:
    return {f"k{n}": column for n, column in enumerate(columns)}


def _counted(items: Mapping[str, str], value: str, source: str) -> _Counted:
    names = list(items)
    named = [
        f"{column} AS {name}" if column else name for name, column in items.items()
    ]
    inner = ", ".join([*named, f"{value} AS v"])
    # the value is made in a SELECT of its own: ClickHouse would take an alias that
    # is equal to a column for the column
    text = (
        f"SELECT {', '.join([*names, 'v'])}, count(*) AS n FROM "
        f"(SELECT {inner} FROM {source}) AS x "
        f"WHERE v IS NOT NULL GROUP BY {', '.join([*names, 'v'])}"
    )
    return _Counted(text, names)


def _words(counted: _Counted, rows: Rows) -> _Counted:
    """Return the words of labels with their counts, of the counts of whole texts."""
    words = (
        f"SELECT {counted.listed('n', rows.dialect.words('v') + ' AS w')} "
        f"FROM ({counted.text}) AS t"
    )
    text = (
        f"SELECT {counted.listed('w AS v', 'sum(n) AS n')} FROM ({words}) AS u "
        f"WHERE w <> '' GROUP BY {counted.listed('w')}"
    )
    return _Counted(text, counted.keys)


def _ranked(rows: Rows, one: BucketFold, counted: _Counted) -> str:
    """SQL of the first values of each group, with what all values come to.

    Columns are the key's, ``v``, its count ``n``, how many values there are ``d``, what
    their counts come to ``t``, and the place ``p``.
    """
    if one.intervals is not None:
        nothing = "0 AS d, 0 AS t, 0 AS p"
        return f"SELECT {counted.listed('v', 'n', nothing)} FROM ({counted.text}) AS z"
    if rows.names[one.fold.attribute].kind is Kind.LABELS:
        counted = _words(counted, rows)
    order = "v" if one.fold.name is FoldName.QUANTIZE else "n DESC, v"
    size = rows.add(one.fold.size)
    of_all = f"count(*) {counted.over()} AS d, sum(n) {counted.over()} AS t"
    columns = counted.listed("v", "n", "d", "t", "p")
    if not counted.keys:
        return (
            f"SELECT v, n, {of_all}, 0 AS p FROM ({counted.text}) AS y "
            f"ORDER BY {order} LIMIT {size}"
        )
    ranked = (
        f"SELECT {counted.listed('v', 'n')}, row_number() {counted.over(order)} AS p, "
        f"{of_all} FROM ({counted.text}) AS y"
    )
    return f"SELECT {columns} FROM ({ranked}) AS z WHERE p <= {size}"


def _answers(
    one: BucketFold, keys: Keys, found: Iterable[tuple[Any, ...]], size: int
) -> Answers:
    """Return buckets of rows of ``_ranked``, whose keys have ``size`` columns."""
    groups: dict[Key, list[tuple[Any, ...]]] = {}
    for row in found:
        groups.setdefault(keys.key(row[:size]), []).append(row[size:])
    if one.intervals is not None:
        edges = one.intervals
        return {key: _intervals(values, edges) for key, values in groups.items()}
    width = one.fold.width if one.fold.name is FoldName.QUANTIZE else 0.0
    return {key: _buckets(values, width) for key, values in groups.items()}


def _buckets(values: list[tuple[Any, ...]], width: float) -> Buckets:
    shown = tuple(int(row[1]) for row in values)
    return Buckets(
        tuple(row[0] for row in values),
        shown,
        rest=int(values[0][3]) - sum(shown),
        others=int(values[0][2]) - len(shown),
        width=width,
    )


def _intervals(values: list[tuple[Any, ...]], intervals: Intervals) -> Buckets:
    counts = {int(row[0]): int(row[1]) for row in values}
    return Buckets(
        intervals.edges,
        tuple(counts.get(n, 0) for n in range(len(intervals.edges))),
        rest=counts.get(-1, 0),
        width=intervals.width,
    )


def intervals_of(asking: Asking, fold: Fold) -> Intervals | None:
    """Return the intervals of a ``bin``, the same for all groups; None without values.

    Ends that the fold does not say are those of all faults that pass the filter.
    """
    lower, upper = fold.lower, fold.upper
    if lower is None or upper is None:
        rows = asking.rows()
        column = rows.column(fold.attribute)
        where = asking.where(rows)
        statement = f"SELECT min({column}), max({column}) FROM {rows.text()}"
        ((least, most),) = asking.run(f"{statement} WHERE {where}", rows)
        if least is None:
            return None
        lower = float(least) if lower is None else lower
        upper = float(most) if upper is None else upper
    return Intervals.between(lower, upper, fold.size)


def _place(rows: Rows, column: str, kind: Kind, intervals: Intervals) -> str:
    """SQL of the index of a value's interval; -1 outside of all of them."""
    if kind is Kind.INTEGER:
        column = rows.dialect.double(column)
    lower, upper = rows.add(intervals.lower), rows.add(intervals.upper)
    last = rows.add(float(len(intervals.edges) - 1))
    if not intervals.width:
        index = rows.add(0.0)
    else:
        index = f"floor(({column} - {lower}) / {rows.add(intervals.width)})"
    outside = rows.add(-1.0)
    return (
        f"CASE WHEN {column} < {lower} OR {column} > {upper} THEN {outside} "
        f"WHEN {column} IS NULL THEN NULL "
        f"WHEN {index} > {last} THEN {last} ELSE {index} END"
    )
