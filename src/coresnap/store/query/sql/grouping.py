"""Groups of faults: first a page of keys, then the folds of those alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from coresnap.store.query import limits
from coresnap.store.query.checking_folds import BUCKETS
from coresnap.store.query.query import Fold, FoldName
from coresnap.store.query.result import Buckets, FoldValue, Group, Result
from coresnap.store.query.sql.aggregates import aggregates, fold_value
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.buckets import BucketFold, count_buckets, intervals_of
from coresnap.store.query.sql.keys import Key, Keys, keys_of
from coresnap.store.query.sql.page import ENDS, MERGED, Page, find_page
from coresnap.store.query.sql.rows import SEQUENCE
from coresnap.store.query.sql.version_conditions import is_version
from coresnap.store.query.versions import version_rank

__all__ = ["answer_groups"]

_NOTHING = Buckets((), ())
_MOST_ENDS = 100
"""Groups whose first and last faults are looked for by their sequences."""
_EXTREMES = (FoldName.MINIMUM, FoldName.MAXIMUM, FoldName.RANGE)

Column = dict[Key, FoldValue]
"""The values of one fold."""


def answer_groups(asking: Asking) -> Result:
    """Return one page of groups with their folds."""
    query = asking.query
    page = find_page(asking)
    columns = _folds(asking, page) if page.counts and query.folds else []
    groups = tuple(
        Group(key, count, tuple(column.get(key) for column in columns))
        for key, count in page.counts.items()
    )
    return Result(query.group, groups=groups, total=page.total, faults=page.faults)


@attrs.frozen
class _Counting:
    """A fold whose value is made of counted values."""

    index: int
    """Of the fold in the query."""
    bucket_fold: BucketFold
    finish: Callable[[Buckets], FoldValue]
    nothing: FoldValue = None
    """Its value for a group without values."""


def _folds(asking: Asking, page: Page) -> list[Column]:
    """Return for each fold its values by key."""
    columns: list[Column] = [{} for _ in asking.query.folds]
    counting: list[_Counting] = []
    single: list[tuple[int, Fold]] = []
    for index, fold in enumerate(asking.query.folds):
        if _is_counted(asking, fold):
            one = _counting(asking, index, fold)
            if one is None:
                columns[index] = dict.fromkeys(page.counts, _NOTHING)
            else:
                counting.append(one)
        elif fold.name in MERGED and (index, 0) in page.measures:
            columns[index] = _measured(asking, page, index)
        else:
            single.append((index, fold))
    single = _end_folds(asking, single, page, columns)
    if counting or single:
        keys = list(page.counts)
        found = keys_of(asking, keys)
        for one, column in zip(
            counting, _count(asking, counting, found, keys), strict=True
        ):
            columns[one.index] = column
        _single_folds(asking, single, found, columns)
    return columns


def _is_counted(asking: Asking, fold: Fold) -> bool:
    attribute = asking.names[fold.attribute]
    return (
        fold.name in BUCKETS
        or (fold.name is FoldName.UNIQUE and attribute.kind == "labels")
        or (fold.name in _EXTREMES and is_version(attribute))
    )


def _counting(asking: Asking, index: int, fold: Fold) -> _Counting | None:
    """Return what a fold counts; None for a ``bin`` of no values at all."""
    if fold.name is FoldName.BIN:
        edges = intervals_of(asking, fold)
        if edges is None:
            return None
        zeros = (0,) * len(edges.edges)
        nothing = Buckets(edges.edges, zeros, width=edges.width)
        return _Counting(index, BucketFold(fold, edges), _same, nothing)
    if fold.name in BUCKETS:
        return _Counting(index, BucketFold(fold), _same, _NOTHING)
    if fold.name is FoldName.UNIQUE:
        one = Fold(FoldName.HISTOGRAM, fold.attribute, size=1)
        return _Counting(index, BucketFold(one), _different, 0)
    every = Fold(FoldName.HISTOGRAM, fold.attribute, size=limits.VERSIONS)
    return _Counting(index, BucketFold(every), functools.partial(_extremes, fold.name))


def _same(buckets: Buckets) -> FoldValue:
    return buckets


def _different(buckets: Buckets) -> FoldValue:
    return len(buckets.keys) + buckets.others


def _extremes(name: FoldName, buckets: Buckets) -> FoldValue:
    """Return the first version, the last, or both."""
    texts = [str(text) for text in buckets.keys]
    ranked = sorted(texts, key=lambda text: (version_rank(text), text.encode()))
    if name is FoldName.RANGE:
        return (ranked[0], ranked[-1])
    return ranked[-1 if name is FoldName.MAXIMUM else 0]


def _count(
    asking: Asking, counting: Sequence[_Counting], keys: Keys, page: Sequence[Key]
) -> list[Column]:
    found = count_buckets(asking, [one.bucket_fold for one in counting], keys)
    return [
        {
            key: one.finish(answers[key]) if key in answers else one.nothing
            for key in page
        }
        for one, answers in zip(counting, found, strict=True)
    ]


def _measured(asking: Asking, page: Page, index: int) -> Column:
    """Return a fold that groups were chosen or sorted by."""
    fold = asking.query.folds[index]
    kind = asking.names[fold.attribute].kind
    ends = (0, 1) if fold.name is FoldName.RANGE else (0,)
    return {
        key: fold_value(
            fold, tuple(page.measures[index, end][key] for end in ends), kind
        )
        for key in page.counts
    }


def _end_folds(
    asking: Asking,
    folds: Sequence[tuple[int, Fold]],
    page: Page,
    columns: list[Column],
) -> list[tuple[int, Fold]]:
    """Take values of each group's first or last fault; return the folds that are left.

    A text of every fault would be read to find the last that has one; nearly always it
    is the last fault's.
    """
    ended = [pair for pair in folds if pair[1].name in ENDS]
    if not ended or len(page.counts) > _MOST_ENDS:
        return list(folds)
    rows = asking.rows()
    values = ", ".join(rows.column(fold.attribute) for _, fold in ended)
    ends = {end for sequences in page.ends.values() for end in sequences.values()}
    where = rows.at(sorted(ends))
    statement = f"SELECT {SEQUENCE}, {values} FROM {rows.text()} WHERE {where}"
    found = {row[0]: row[1:] for row in asking.run(statement, rows)}
    nothing = (None,) * len(ended)
    done = set()
    for place, (index, fold) in enumerate(ended):
        sequences = page.ends[fold.name]
        own = {k: found.get(end, nothing)[place] for k, end in sequences.items()}
        if None not in own.values():
            kind = asking.names[fold.attribute].kind
            columns[index] = {k: fold_value(fold, (v,), kind) for k, v in own.items()}
            done.add(index)
    return [(index, fold) for index, fold in folds if index not in done]


def _single_folds(
    asking: Asking,
    folds: Sequence[tuple[int, Fold]],
    keys: Keys,
    columns: list[Column],
) -> None:
    if not folds:
        return
    rows = asking.rows()
    group = keys.columns(rows)
    items = [aggregates(fold, rows) for _, fold in folds]
    where = keys.condition(rows)
    listed = ", ".join([*group, *(item for part in items for item in part)])
    statement = f"SELECT {listed} FROM {rows.text()} WHERE {where}"
    if group:
        statement += f" GROUP BY {', '.join(group)}"
    for row in asking.run(statement, rows):
        key, values = keys.key(row[: len(group)]), iter(row[len(group) :])
        for (index, fold), part in zip(folds, items, strict=True):
            own: tuple[Any, ...] = tuple(next(values) for _ in part)
            kind = asking.names[fold.attribute].kind
            columns[index][key] = fold_value(fold, own, kind)
