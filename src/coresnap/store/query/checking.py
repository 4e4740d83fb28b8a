"""Whether a query can be asked, and what exactly it asks.

Words know nothing of attributes. Here the values of conditions become what their
attribute's kind compares with, defaults are filled in, and ``*`` becomes names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs
import msgspec

from coresnap.errors import QueryError
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.query import limits
from coresnap.store.query.checking_folds import check_fold, fold_attribute
from coresnap.store.query.comparing import check_condition, compared_value
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Derivation,
    Derived,
    Filter,
    Having,
    NoneOf,
    Operator,
    Order,
    OrderBy,
    Query,
)
from coresnap.store.query.vocabulary import find, select_names, vocabulary

__all__ = ["check", "decode_query"]

_COMPARISONS = (
    Operator.EQUAL,
    Operator.NOT_EQUAL,
    Operator.AT_LEAST,
    Operator.GREATER_THAN,
    Operator.AT_MOST,
    Operator.LESS_THAN,
)


def decode_query(text: bytes | str) -> Query:
    """Return the query of its JSON form; QueryError says where it is not one."""
    try:
        return msgspec.json.decode(text, type=Query)
    except msgspec.DecodeError as error:
        raise QueryError(
            f"not a query: {error}", remedy="docs/query.md describes the JSON form."
        ) from error


def check(query: Query, known: Mapping[str, Attribute], now: int) -> Query:
    """Return the query as it is evaluated; a checked one comes back as it is.

    ``known`` has the attributes that may be used, except those of the group; ``now``,
    in seconds UTC, is what relative times refer to. Raises QueryError.
    """
    _check_sizes(query)
    names = _check_derived(query, known)
    checker = _FilterChecker(names, now)
    folds = tuple(check_fold(fold, names) for fold in query.folds)
    checked = msgspec.structs.replace(
        query,
        filter=checker.check(query.filter),
        group=tuple(find(name, names).name for name in query.group),
        folds=folds,
        select=select_names(query.select, names),
    )
    if len(checked.select) > limits.SELECT:
        raise _too_many("attributes selected", limits.SELECT)
    return msgspec.structs.replace(
        checked,
        having=tuple(_check_having(part, checked, names, now) for part in query.having),
        order=tuple(_check_order(part, checked, names) for part in query.order),
    )


def _too_many(what: str, limit: int) -> QueryError:
    return QueryError(
        f"the query has too many {what}: more than {limit}",
        remedy="Ask for less at once.",
    )


def _check_sizes(query: Query) -> None:
    for what, parts, limit in (
        ("attributes to group by", query.group, limits.KEYS),
        ("folds", query.folds, limits.FOLDS),
        ("conditions on groups", query.having, limits.HAVING),
        ("orders", query.order, limits.ORDER),
        ("derived columns", query.derived, limits.DERIVED),
        ("attributes selected", query.select, limits.SELECT),
    ):
        if len(parts) > limit:
            raise _too_many(what, limit)
    if query.select and (query.group or query.folds or query.having):
        raise QueryError(
            "a query either selects faults or groups them",
            remedy="Leave out --select, or --group and the folds.",
        )
    if len(set(query.group)) != len(query.group):
        raise QueryError("an attribute is grouped by twice", remedy="Name it once.")
    rows = limits.ROWS if query.select else limits.GROUPS
    for name, number, limit in (
        ("limit", query.limit, rows),
        ("offset", query.offset, limits.OFFSET),
        ("until", query.until or 0, 2**63 - 1),
    ):
        if not 0 <= number <= limit:
            raise QueryError(
                f"{name} is {number}, outside of 0 to {limit}",
                remedy="Ask for pages: the same query with another --offset.",
            )


def _check_derived(
    query: Query, known: Mapping[str, Attribute]
) -> dict[str, Attribute]:
    plain = vocabulary(known, ())
    seen: set[str] = set()
    for column in query.derived:
        if column.name in plain or column.name in seen or not column.name:
            raise QueryError(
                f"a derived column cannot have the name {column.name!r}",
                remedy="Choose a name that no attribute has.",
            )
        seen.add(column.name)
        _check_derivation(column, find(column.attribute, plain))
    return vocabulary(known, query.derived)


def _check_derivation(column: Derived, base: Attribute) -> None:
    if column.operation is Derivation.TRUNCATE:
        if base.kind is not Kind.INTEGER or column.unit is None or column.width:
            raise QueryError(
                f"{base.name} cannot be truncated that way",
                remedy="Truncate a time, as timestamp, to a unit, as day.",
            )
        return
    is_number = base.kind in (Kind.INTEGER, Kind.NUMBER)
    if not is_number or column.unit is not None or not _is_width(column.width, base):
        raise QueryError(
            f"{base.name} cannot be quantized that way",
            remedy="Quantize a number by a width above 0, as 3600 or 1h.",
        )


def _is_width(width: float, base: Attribute) -> bool:
    if not (math.isfinite(width) and width > 0):
        return False
    return base.kind is Kind.NUMBER or width < 2.0**62


@attrs.define
class _FilterChecker:
    """Walks one filter, counts, and makes its conditions exact."""

    names: Mapping[str, Attribute]
    now: int
    conditions: int = 0

    def check(self, part: Filter, depth: int = 0) -> Filter:
        """Return the filter with the values that its attributes compare with."""
        if depth > limits.DEPTH:
            raise _too_many("filters within each other", limits.DEPTH)
        if isinstance(part, Condition):
            self.conditions += 1
            if self.conditions > limits.CONDITIONS:
                raise _too_many("conditions", limits.CONDITIONS)
            attribute = find(part.attribute, self.names)
            return check_condition(part, attribute, self.now)
        if len(part.parts) > limits.CONDITIONS:
            raise _too_many("conditions", limits.CONDITIONS)
        parts = tuple(self.check(inner, depth + 1) for inner in part.parts)
        if isinstance(part, AllOf):
            return AllOf(parts)
        return AnyOf(parts) if isinstance(part, AnyOf) else NoneOf(parts)


def _check_having(
    having: Having, query: Query, names: Mapping[str, Attribute], now: int
) -> Having:
    if having.operator not in _COMPARISONS:
        raise QueryError(
            f"a group's folds cannot be compared by {having.operator}",
            remedy="Comparisons: " + ", ".join(_COMPARISONS) + ".",
        )
    if having.fold is None:
        attribute = Attribute("count", Kind.INTEGER)
    else:
        attribute = fold_attribute(query.folds, having.fold, having.part, names)
    operator, value = compared_value(having.operator, having.value, attribute, now)
    return msgspec.structs.replace(having, operator=operator, value=value)


def _check_order(order: Order, query: Query, names: Mapping[str, Attribute]) -> Order:
    if query.select:
        if order.by is not OrderBy.ATTRIBUTE:
            raise QueryError(
                f"selected faults cannot be sorted by {order.by}",
                remedy="Sort them by an attribute.",
            )
        if find(order.attribute, names).format == "semver":
            raise QueryError(
                f"faults cannot be sorted by the versions in {order.attribute}",
                remedy=f"Group by {order.attribute}, and sort the groups.",
            )
    elif order.by is OrderBy.ATTRIBUTE:
        raise QueryError(
            f"groups cannot be sorted by {order.attribute!r}",
            remedy="Sort them by count, by their key or by a fold.",
        )
    elif order.by is OrderBy.FOLD:
        fold_attribute(query.folds, order.fold, order.part, names)
    elif order.by is OrderBy.KEY and not _is_part_of_key(order.part, query):
        raise QueryError(
            f"the groups' key has no part {order.part} to sort by",
            remedy="Group by an attribute, and sort by it.",
        )
    return order


def _is_part_of_key(part: int, query: Query) -> bool:
    return 0 <= part < len(query.group)
