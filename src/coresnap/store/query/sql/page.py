"""The page of groups that a query asks for: their keys, and how many there are."""

from __future__ import annotations

import attrs

from coresnap.store.attributes.catalogue import JOINED
from coresnap.store.fault import Value
from coresnap.store.query.query import FoldName, Order, OrderBy, Query
from coresnap.store.query.sql.aggregates import measure
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.conditions import COMPARISONS, filter_sql
from coresnap.store.query.sql.keys import OF_FINGERPRINTS, Key
from coresnap.store.query.sql.rows import SEQUENCE, OfGroups, Rows
from coresnap.store.query.sql.version_conditions import different_versions, is_version

__all__ = ["ENDS", "MERGED", "Page", "find_page"]

MERGED = {
    FoldName.COUNT: ("sum", "sum"),
    FoldName.MINIMUM: ("min", "min"),
    FoldName.MAXIMUM: ("max", "max"),
    FoldName.RANGE: ("min", "max"),
}
"""Folds of which parts make the whole, and by which aggregate."""
ENDS = {FoldName.HEAD: "min", FoldName.TAIL: "max"}
"""Folds that are a value of a group's first or last fault, and how its sequence is
found."""


@attrs.frozen
class Page:
    """The keys of a page with their counts."""

    counts: dict[Key, int]
    total: int
    """Groups that pass ``having``."""
    faults: int
    measures: dict[tuple[int, int], dict[Key, Value | None]]
    """By index of the fold and of its value: what groups were chosen or sorted by."""
    ends: dict[FoldName, dict[Key, int]]
    """Sequence of each group's first or last fault, for ``head`` and ``tail`` if they
    are asked for."""


def find_page(asking: Asking) -> Page:
    """Return the page that a query asks for."""
    statement = _Statement.of(asking)
    rows, measures = statement.rows, statement.measures
    names = [*measures.values(), *statement.ends]
    columns = ", ".join([*statement.keys, "n", "total", "faults", *names])
    query = asking.query
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
    return Page(
        {row[:size]: int(row[size]) for row in found},
        int(found[0][size + 1]),
        int(found[0][size + 2]),
        {
            pair: {row[:size]: row[size + 3 + n] for row in found}
            for n, pair in enumerate(measures)
        },
        {
            end: {row[:size]: row[n] for row in found}
            for n, end in enumerate(statement.ends, -len(statement.ends))
        },
    )


def _empty_page(asking: Asking) -> Page:
    """Return a page behind the last one: the totals are all it has."""
    statement = _Statement.of(asking)
    text = f"SELECT {statement.totals()} FROM ({statement.groups}) AS g"
    ((total, faults),) = asking.run(text, statement.rows)
    return Page({}, int(total or 0), int(faults or 0), {}, {})


@attrs.define
class _Statement:
    """All groups with what they are chosen and sorted by, as one statement."""

    asking: Asking
    rows: Rows
    keys: list[str]
    measures: dict[tuple[int, int], str]
    """By index of the fold and of its value."""
    ends: tuple[FoldName, ...]
    groups: str
    passes: str

    @classmethod
    def of(cls, asking: Asking) -> _Statement:
        """Write what the page and the totals have in common."""
        query, rows = asking.query, asking.rows()
        keys = [f"k{n}" for n in range(len(query.group))]
        measures = {pair: f"m{n}" for n, pair in enumerate(_used_measures(query))}
        ends = tuple({fold.name: None for fold in query.folds if fold.name in ENDS})
        write = _by_fingerprint if _is_sum_of_fingerprints(asking) else _by_key
        groups = write(asking, rows, keys, measures, ends)
        passes = _passes(query, rows, measures)
        return cls(asking, rows, keys, measures, ends, groups, passes)

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
    """Return what groups are chosen and sorted by; of a range always both ends."""
    used = [order.fold for order in query.order if order.by is OrderBy.FOLD]
    used += [having.fold for having in query.having if having.fold is not None]
    pairs = []
    for fold in dict.fromkeys(used):
        ends = (0, 1) if query.folds[fold].name is FoldName.RANGE else (0,)
        pairs += [(fold, part) for part in ends]
    return pairs


def _by_key(
    asking: Asking,
    rows: Rows,
    keys: list[str],
    measures: dict[tuple[int, int], str],
    ends: tuple[FoldName, ...],
) -> str:
    """SELECT of keys, count and measures, over all faults that pass."""
    query = asking.query
    columns = [rows.column(name) for name in query.group]
    items = [f"{column} AS {key}" for column, key in zip(columns, keys, strict=True)]
    items += _counts(query, rows, measures, ends)
    where = asking.where(rows)
    groups = f"SELECT {', '.join(items)} FROM {rows.text()} WHERE {where}"
    return f"{groups} GROUP BY {', '.join(columns)}" if columns else groups


def _counts(
    query: Query,
    rows: Rows,
    measures: dict[tuple[int, int], str],
    ends: tuple[FoldName, ...],
) -> list[str]:
    """SELECT items of some faults: how many, what is measured of them, their ends."""
    return [
        "count(*) AS n",
        *(
            f"{measure(query.folds[fold], part, rows)} AS {name}"
            for (fold, part), name in measures.items()
        ),
        *(f"{ENDS[end]}({SEQUENCE}) AS {end}" for end in ends),
    ]


def _is_sum_of_fingerprints(asking: Asking) -> bool:
    """Whether what is asked of a group is the same of its fingerprints, summed up."""
    query = asking.query
    used = [query.folds[fold] for fold, _ in _used_measures(query)]
    return (
        bool(query.group)
        and set(query.group) <= OF_FINGERPRINTS
        and asking.parts() is not None
        and all(one.name in MERGED and one.attribute not in JOINED for one in used)
    )


def _by_fingerprint(
    asking: Asking,
    rows: Rows,
    keys: list[str],
    measures: dict[tuple[int, int], str],
    ends: tuple[FoldName, ...],
) -> str:
    """The same, where groups are joined with each fingerprint, not with each fault."""
    query, relation = asking.query, asking.relation
    fingerprint = rows.fingerprint()
    items = [f"{fingerprint} AS print", *_counts(query, rows, measures, ends)]
    merged = ["sum(f.n) AS n"]
    merged += [
        f"{MERGED[query.folds[fold].name][part]}(f.{name}) AS {name}"
        for (fold, part), name in measures.items()
    ]
    merged += [f"{ENDS[end]}(f.{end}) AS {end}" for end in ends]
    split = asking.parts()
    assert split is not None  # what is mixed goes by key
    where = filter_sql(split.of_faults, rows)
    parts = (
        f"SELECT {', '.join(items)} FROM {rows.text()} WHERE {where} "
        f"GROUP BY {fingerprint}"
    )
    passes = filter_sql(split.of_groups, OfGroups(rows))
    columns = [
        relation.column(asking.names[name], rows.parameters) for name in query.group
    ]
    named = [f"{column} AS {key}" for column, key in zip(columns, keys, strict=True)]
    return (
        f"SELECT {', '.join([*named, *merged])} FROM {relation.joined(f'({parts})')} "
        f"WHERE {passes} GROUP BY {', '.join(columns)}"
    )


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
