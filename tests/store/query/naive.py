"""What a query means: it is evaluated fault by fault, without an engine.

It shares the checked tree with the engines, and nothing of how they answer.
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import attrs
import re2

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Fault, Value
from coresnap.store.index.contract import IndexedGroup
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Derivation,
    Derived,
    Filter,
    Fold,
    FoldName,
    Having,
    Operator,
    Order,
    OrderBy,
    Query,
    TimeUnit,
)
from coresnap.store.query.result import Buckets, FoldValue, Group, Result, Row
from coresnap.store.query.values import as_kind
from coresnap.store.query.versions import version_rank

__all__ = ["evaluate"]

Key = tuple[Value | None, ...]
Item = TypeVar("Item")
Ordered = Any
"""What can be compared with its like."""
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def evaluate(
    query: Query,
    faults: Sequence[Fault],
    groups: Mapping[str, IndexedGroup],
    names: Mapping[str, Attribute],
) -> Result:
    """Answer a checked query; ``names`` is its vocabulary."""
    until = query.until
    if until is None:
        until = max((fault.sequence for fault in faults), default=0)
    derived = {column.name: column for column in query.derived}
    seen = _Seen(groups, names, derived)
    passing = [
        fault
        for fault in faults
        if fault.sequence <= until and seen.passes(fault, query.filter)
    ]
    passing.sort(key=lambda fault: fault.sequence)
    if query.select:
        return _rows(query, passing, seen, until)
    return _groups(query, passing, seen, until)


@attrs.frozen
class _Seen:
    """Faults as a query sees them."""

    groups: Mapping[str, IndexedGroup]
    names: Mapping[str, Attribute]
    derived: Mapping[str, Derived]

    def value(self, fault: Fault, name: str) -> Value | None:
        """Return an attribute's value; None is unset."""
        if name in self.derived:
            column = self.derived[name]
            return _derive(column, self.value(fault, column.attribute))
        value = self._stored(fault, name)
        return None if value is None else as_kind(value, self.names[name].kind)

    def _stored(self, fault: Fault, name: str) -> Value | None:
        if name != "group" and not name.startswith("group."):
            return fault.attributes.get(name)
        group = self.groups.get(fault.fingerprint)
        if name == "group":
            return fault.fingerprint if group is None else group.group
        if group is None:
            return None
        return group.attributes.get(name.removeprefix("group."))

    def passes(self, fault: Fault, part: Filter) -> bool:
        """Tell whether a fault passes a filter."""
        if isinstance(part, Condition):
            value = self.value(fault, part.attribute)
            return _is_true(part, value, self.names[part.attribute])
        inner = (self.passes(fault, inner) for inner in part.parts)
        if isinstance(part, AllOf):
            return all(inner)
        return any(inner) if isinstance(part, AnyOf) else not any(inner)


def _is_true(condition: Condition, value: Value | None, attribute: Attribute) -> bool:
    """Tell whether a value passes: an unset one passes the negative operators only."""
    match condition.operator:
        case Operator.IS_SET:
            return value is not None
        case Operator.IS_NOT_SET:
            return value is None
        case Operator.NOT_EQUAL:
            return not _is_equal(condition, value)
        case Operator.EQUAL:
            return _is_equal(condition, value)
        case Operator.REGULAR_EXPRESSION:
            return _is_found(condition, value)
        case Operator.INVERSE_REGULAR_EXPRESSION:
            return not _is_found(condition, value)
        case Operator.CONTAINS:
            return _is_in(condition, value, attribute.kind)
        case Operator.NOT_CONTAINS:
            return not _is_in(condition, value, attribute.kind)
    if value is None:
        return False
    return _compare(condition.operator, value, condition.value, attribute)


def _is_equal(condition: Condition, value: Value | None) -> bool:
    if value is None:
        return False
    if condition.ignore_case:
        return _search(rf"(?is)^{re2.escape(condition.value)}\z", value)
    return value == condition.value


def _is_found(condition: Condition, value: Value | None) -> bool:
    flags = "(?is)" if condition.ignore_case else "(?s)"
    return value is not None and _search(f"{flags}{condition.value}", value)


def _is_in(condition: Condition, value: Value | None, kind: Kind) -> bool:
    if value is None:
        return False
    parts = _words(str(value)) if kind is Kind.LABELS else [str(value)]
    if condition.ignore_case:
        quoted = re2.escape(condition.value)
        pattern = f"^{quoted}\\z" if kind is Kind.LABELS else quoted
        return any(_search(f"(?is){pattern}", part) for part in parts)
    if kind is Kind.LABELS:
        return condition.value in parts
    return str(condition.value) in str(value)


def _search(pattern: str, value: Value) -> bool:
    return re2.compile(pattern, _OPTIONS).search(str(value)) is not None


def _words(labels: str) -> list[str]:
    return [word for word in dict.fromkeys(labels.split(" ")) if word]


def _rank(value: Ordered, attribute: Attribute) -> Ordered:
    """Return what a value is sorted by: texts as bytes, versions as versions."""
    if attribute.format == "semver" and attribute.kind is Kind.TEXT:
        return version_rank(value)
    return value.encode() if isinstance(value, str) else value


def _compare(
    operator: Operator, left: Value, right: Ordered, attribute: Attribute
) -> bool:
    one, other = _rank(left, attribute), _rank(right, attribute)
    match operator:
        case Operator.AT_LEAST:
            return bool(one >= other)
        case Operator.GREATER_THAN:
            return bool(one > other)
        case Operator.AT_MOST:
            return bool(one <= other)
    return bool(one < other)


def _derive(column: Derived, value: Ordered) -> Value | None:
    if value is None:
        return None
    if column.operation is Derivation.QUANTIZE:
        return _quantize(value, column.width)
    if not 0 <= value < 2**32:
        return None
    return _beginning(value, column.unit)


def _quantize(value: int | float, width: float) -> Value | None:
    if isinstance(value, int) and float(width).is_integer():
        multiple = value // int(width) * int(width)
        return multiple if multiple >= -(2**63) else None
    quotient = float(value) / width
    if not math.isfinite(quotient):
        return None
    multiple_of_width = float(math.floor(quotient)) * width + 0.0
    return multiple_of_width if math.isfinite(multiple_of_width) else None


def _beginning(seconds: int, unit: TimeUnit | None) -> int:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    start = moment.replace(minute=0, second=0)
    match unit:
        case TimeUnit.HOUR:
            pass
        case TimeUnit.WEEK:
            start = start.replace(hour=0) - datetime.timedelta(days=start.weekday())
        case TimeUnit.MONTH:
            start = start.replace(hour=0, day=1)
        case TimeUnit.QUARTER:
            month = start.month - (start.month - 1) % 3
            start = start.replace(hour=0, day=1, month=month)
        case TimeUnit.YEAR:
            start = start.replace(hour=0, day=1, month=1)
        case _:
            start = start.replace(hour=0)
    return int(start.timestamp())


def _rows(query: Query, passing: list[Fault], seen: _Seen, until: int) -> Result:
    chosen = passing[::-1]
    for order in reversed(query.order):
        values = [seen.value(fault, order.attribute) for fault in chosen]
        attribute = seen.names[order.attribute]
        chosen = _sorted(chosen, values, attribute, order.descending)
    page = chosen[query.offset : query.offset + query.limit]
    rows = tuple(
        Row(tuple(seen.value(fault, name) for name in query.select)) for fault in page
    )
    is_whole = 0 < len(page) == query.limit
    return Result(
        query.select,
        rows=rows,
        total=len(passing),
        faults=len(passing),
        until=until,
        next=page[-1].sequence - 1 if is_whole and not query.order else None,
    )


def _sorted(
    items: Sequence[Item],
    values: Sequence[Value | None],
    attribute: Attribute,
    descending: bool,
) -> list[Item]:
    """Sort by values, keeping the order of equals; what has none is at the end."""
    pairs = list(zip(items, values, strict=True))
    present = [pair for pair in pairs if pair[1] is not None]
    present.sort(key=lambda pair: _sort_key(pair[1], attribute), reverse=descending)
    return [item for item, _ in present] + [
        item for item, value in pairs if value is None
    ]


def _sort_key(value: Ordered, attribute: Attribute) -> Ordered:
    """Return the same for order: of equal versions the text decides."""
    rank = _rank(value, attribute)
    return (rank, value.encode()) if isinstance(rank, tuple) else rank


def _groups(query: Query, passing: list[Fault], seen: _Seen, until: int) -> Result:
    members: dict[Key, list[Fault]] = {}
    for fault in passing:
        key = tuple(seen.value(fault, name) for name in query.group)
        members.setdefault(key, []).append(fault)
    made = [
        Group(
            key,
            len(faults),
            tuple(_fold(fold, faults, passing, seen) for fold in query.folds),
        )
        for key, faults in members.items()
    ]
    kept = [
        group
        for group in made
        if all(_has(group, having, query, seen) for having in query.having)
    ]
    for index in reversed(range(len(query.group))):
        # What only decides between equals need not be the order of versions.
        plain = attrs.evolve(seen.names[query.group[index]], format="none")
        kept = _sorted(kept, [group.key[index] for group in kept], plain, False)
    for order in reversed(query.order or (Order(OrderBy.COUNT, descending=True),)):
        values = [_ordering(group, order) for group in kept]
        kept = _sorted(kept, values, _ordered_as(order, query, seen), order.descending)
    page = tuple(kept[query.offset : query.offset + query.limit])
    return Result(
        query.group,
        groups=page,
        total=len(kept),
        faults=len(passing),
        until=until,
    )


def _ordering(group: Group, order: Order) -> Ordered:
    if order.by is OrderBy.COUNT:
        return group.count
    if order.by is OrderBy.KEY:
        return group.key[order.part]
    return _part(group.folds[order.fold], order.part)


def _ordered_as(order: Order, query: Query, seen: _Seen) -> Attribute:
    if order.by is OrderBy.KEY:
        return seen.names[query.group[order.part]]
    return Attribute("fold", Kind.TEXT)


def _part(value: FoldValue, part: int) -> Ordered:
    return value[part] if isinstance(value, tuple) else value


def _has(group: Group, having: Having, query: Query, seen: _Seen) -> bool:
    value = group.count
    if having.fold is not None:
        value = _part(group.folds[having.fold], having.part)
    if having.operator is Operator.NOT_EQUAL:
        return value != having.value
    if value is None:
        return False
    if having.operator is Operator.EQUAL:
        return value == having.value
    plain = Attribute("fold", Kind.TEXT)
    return _compare(having.operator, value, having.value, plain)


def _fold(
    fold: Fold, faults: list[Fault], passing: list[Fault], seen: _Seen
) -> FoldValue:
    attribute = seen.names[fold.attribute]
    having_it = [f for f in faults if seen.value(f, fold.attribute) is not None]
    values: list[Any] = [seen.value(fault, fold.attribute) for fault in having_it]
    match fold.name:
        case FoldName.COUNT:
            return len(values)
        case FoldName.UNIQUE:
            return len(_counted(values, attribute))
        case FoldName.HISTOGRAM | FoldName.DISTRIBUTION:
            return _histogram(_counted(values, attribute), fold.size)
        case FoldName.QUANTIZE:
            return _quantized(values, fold)
        case FoldName.BIN:
            everyone = [seen.value(fault, fold.attribute) for fault in passing]
            return _bins(values, [v for v in everyone if v is not None], fold)
    if not values:
        return None
    ranked: list[Value] = sorted(values, key=lambda value: _sort_key(value, attribute))
    single: dict[FoldName, FoldValue] = {
        FoldName.HEAD: values[0],
        FoldName.TAIL: values[-1],
        FoldName.OBJECT: having_it[-1].object,
        FoldName.MINIMUM: ranked[0],
        FoldName.MAXIMUM: ranked[-1],
        FoldName.RANGE: (ranked[0], ranked[-1]),
    }
    if fold.name in single:
        return single[fold.name]
    return _sum_or_mean(values, fold.name)


def _sum_or_mean(values: list[Any], name: FoldName) -> Value:
    is_integer = isinstance(values[0], int)
    total: int | float = sum(values) if is_integer else math.fsum(values)
    if name is FoldName.MEAN:
        return float(total) / len(values)
    if isinstance(total, int) and not -(2**63) <= total < 2**63:
        return float(total)
    return total


def _counted(values: list[Any], attribute: Attribute) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for value in values:
        counts.update(_words(value) if attribute.kind is Kind.LABELS else [value])
    return counts


def _histogram(counts: Counter[Any], size: int) -> Buckets:
    plain = Attribute("value", Kind.TEXT)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], _rank(item[0], plain)))
    return _shown(ranked, size, 0)


def _shown(ranked: list[tuple[Any, int]], size: int, width: float) -> Buckets:
    return Buckets(
        tuple(value for value, _ in ranked[:size]),
        tuple(count for _, count in ranked[:size]),
        rest=sum(count for _, count in ranked[size:]),
        others=len(ranked[size:]),
        width=width if ranked else 0,
    )


def _quantized(values: list[Any], fold: Fold) -> Buckets:
    multiples = (_quantize(value, fold.width) for value in values)
    counts = Counter(multiple for multiple in multiples if multiple is not None)
    return _shown(sorted(counts.items()), fold.size, fold.width)


def _bins(values: list[Any], everyone: list[Any], fold: Fold) -> Buckets:
    if not everyone and (fold.lower is None or fold.upper is None):
        return Buckets((), ())
    lower = float(min(everyone)) if fold.lower is None else fold.lower
    upper = float(max(everyone)) if fold.upper is None else fold.upper
    size, width = fold.size, (upper - lower) / fold.size
    last = lower + width * (size - 1)
    if not (math.isfinite(width) and width > 0 and lower < last + width):
        size, width = 1, 0.0
    counts = [0] * size
    outside = 0
    for value in map(float, values):
        if not lower <= value <= upper:
            outside += 1
        elif not width:
            counts[0] += 1
        else:
            counts[min(math.floor((value - lower) / width), size - 1)] += 1
    edges = tuple(lower + width * n for n in range(size))
    return Buckets(edges, tuple(counts), rest=outside, width=width)
