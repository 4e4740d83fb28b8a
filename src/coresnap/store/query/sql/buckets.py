"""Folds with many values: histograms and intervals, for some groups at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from coresnap.store.attributes.attribute import Kind
from coresnap.store.fault import Value
from coresnap.store.query.intervals import Intervals
from coresnap.store.query.query import Fold, FoldName
from coresnap.store.query.result import Buckets
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.keys import Key, key_condition
from coresnap.store.query.sql.rows import Rows

__all__ = ["bins", "counted_values", "intervals_of"]

Answers = dict[Key, Buckets]
"""Buckets by key; groups without a value are not there."""


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


def counted_values(asking: Asking, fold: Fold, keys: Sequence[Key]) -> Answers:
    """Return histogram, distribution or quantized values of a fold, by key."""
    rows = asking.rows()
    column = rows.column(fold.attribute)
    kind = asking.names[fold.attribute].kind
    width = 0.0
    value = column
    if fold.name is FoldName.QUANTIZE:
        width = fold.width
        value = rows.quantized(column, width, kind)
    counted = _counted(asking, rows, value, keys)
    if kind is Kind.LABELS:
        counted = _words(counted, rows)
    order = "v" if fold.name is FoldName.QUANTIZE else "n DESC, v"
    found = asking.run(_ranked(counted, order, rows.add(fold.size)), rows)
    return {
        key: _buckets(values, width) for key, values in _by_key(found, counted).items()
    }


def _counted(asking: Asking, rows: Rows, value: str, keys: Sequence[Key]) -> _Counted:
    group = [rows.column(name) for name in asking.query.group]
    where = f"{asking.where(rows)} AND {key_condition(rows, group, keys)}"
    names = [f"k{n}" for n in range(len(group))]
    items = [f"{column} AS {name}" for column, name in zip(group, names, strict=True)]
    inner = ", ".join([*items, f"{value} AS v"])
    # the value is made in a SELECT of its own: ClickHouse would take an alias that
    # is equal to a column for the column
    text = (
        f"SELECT {', '.join([*names, 'v'])}, count(*) AS n FROM "
        f"(SELECT {inner} FROM {rows.text()} WHERE {where}) AS x "
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


def _ranked(counted: _Counted, order: str, size: str) -> str:
    """SQL of the first values of each group, with what all values come to."""
    of_all = f"count(*) {counted.over()} AS d, sum(n) {counted.over()} AS t"
    columns = counted.listed("v", "n", "d", "t")
    if not counted.keys:
        return (
            f"SELECT v, n, {of_all} FROM ({counted.text}) AS y "
            f"ORDER BY {order} LIMIT {size}"
        )
    ranked = (
        f"SELECT {counted.listed('v', 'n')}, row_number() {counted.over(order)} AS p, "
        f"{of_all} FROM ({counted.text}) AS y"
    )
    return f"SELECT {columns} FROM ({ranked}) AS z WHERE p <= {size} ORDER BY p"


def _by_key(
    found: list[tuple[Any, ...]], counted: _Counted
) -> dict[Key, list[tuple[Any, ...]]]:
    size = len(counted.keys)
    groups: dict[Key, list[tuple[Any, ...]]] = {}
    for row in found:
        groups.setdefault(row[:size], []).append(row[size:])
    return groups


def _buckets(values: list[tuple[Any, ...]], width: float) -> Buckets:
    shown = tuple(int(row[1]) for row in values)
    return Buckets(
        tuple(row[0] for row in values),
        shown,
        rest=int(values[0][3]) - sum(shown),
        others=int(values[0][2]) - len(shown),
        width=width,
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


def bins(
    asking: Asking, fold: Fold, intervals: Intervals, keys: Sequence[Key]
) -> Answers:
    """Return the counts in intervals, by key."""
    rows = asking.rows()
    value = _place(rows, fold, intervals)
    counted = _counted(asking, rows, value, keys)
    found = asking.run(
        f"SELECT {counted.listed('v', 'n')} FROM ({counted.text}) AS y", rows
    )
    answers: Answers = {}
    for key, places in _by_key(found, counted).items():
        counts: dict[Value, int] = {int(place): int(n) for place, n in places}
        answers[key] = Buckets(
            intervals.edges,
            tuple(counts.get(n, 0) for n in range(len(intervals.edges))),
            rest=counts.get(-1, 0),
            width=intervals.width,
        )
    return answers


def _place(rows: Rows, fold: Fold, intervals: Intervals) -> str:
    """SQL of the index of a value's interval; -1 outside of all of them."""
    column = rows.column(fold.attribute)
    dialect = rows.dialect
    if rows.names[fold.attribute].kind is Kind.INTEGER:
        column = dialect.double(column)
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
