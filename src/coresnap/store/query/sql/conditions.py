"""Filters as SQL: true where a fault passes; else false or NULL."""

from __future__ import annotations

import re

from coresnap.store.attributes.attribute import Kind
from coresnap.store.query.comparing import NEGATIONS
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Operator,
)
from coresnap.store.query.sql.columns import Columns
from coresnap.store.query.sql.required_literal import required_literal

__all__ = ["COMPARISONS", "filter_sql", "pattern_of", "quote"]

COMPARISONS = {
    Operator.EQUAL: "=",
    Operator.NOT_EQUAL: "<>",
    Operator.AT_LEAST: ">=",
    Operator.GREATER_THAN: ">",
    Operator.AT_MOST: "<=",
    Operator.LESS_THAN: "<",
}

_FALSE, _TRUE = "(1 = 0)", "(1 = 1)"


def filter_sql(part: Filter, rows: Columns) -> str:
    """Return the SQL of a checked filter over some columns."""
    if isinstance(part, Condition):
        return _condition(part, rows)
    if isinstance(part, AllOf):
        inner = [filter_sql(inner, rows) for inner in part.parts]
        return f"({' AND '.join(inner)})" if inner else _TRUE
    inner = [*_equal_to_one(part.parts, rows)]
    any_of = f"({' OR '.join(inner)})" if inner else _FALSE
    return any_of if isinstance(part, AnyOf) else _not(any_of)


def _equal_to_one(parts: tuple[Filter, ...], rows: Columns) -> list[str]:
    """Return the SQL of alternatives, those of one attribute's values as one list."""
    values: dict[str, list[str]] = {}
    others: list[str] = []
    for part in parts:
        if (
            isinstance(part, Condition)
            and part.operator is Operator.EQUAL
            and not part.ignore_case
            and part.value is not None
        ):
            column = rows.column(part.attribute)
            values.setdefault(column, []).append(rows.add(part.value))
        else:
            others.append(filter_sql(part, rows))
    lists = [
        f"{column} IN ({', '.join(dict.fromkeys(listed))})"
        for column, listed in values.items()
    ]
    return lists + others


def _not(sql: str) -> str:
    """SQL that is true where another is false or NULL."""
    return f"(CASE WHEN {sql} THEN 0 ELSE 1 END = 1)"


def _condition(condition: Condition, rows: Columns) -> str:
    column = rows.column(condition.attribute)
    operator = condition.operator
    if operator is Operator.IS_SET:
        return f"({column} IS NOT NULL)"
    if operator is Operator.IS_NOT_SET:
        return f"({column} IS NULL)"
    if operator in NEGATIONS:
        return _not(_positive(condition, NEGATIONS[operator], column, rows))
    return _positive(condition, operator, column, rows)


def _positive(
    condition: Condition, operator: Operator, column: str, rows: Columns
) -> str:
    value = condition.value
    assert value is not None  # the checked operators that are left have one
    pattern = pattern_of(condition, operator, rows.names[condition.attribute].kind)
    if pattern is not None:
        matches = rows.dialect.matches(column, rows.add(pattern))
        literal = "" if condition.ignore_case else required_literal(str(value))
        if literal and operator is Operator.REGULAR_EXPRESSION:
            contains = rows.dialect.contains(column, rows.add(literal))
            return f"({contains} AND {matches})"
        return f"({matches})"
    if operator is not Operator.CONTAINS:
        return f"({column} {COMPARISONS[operator]} {rows.add(value)})"
    if rows.names[condition.attribute].kind is Kind.LABELS:
        column, value = f"(' ' || {column} || ' ')", f" {value} "
    return f"({rows.dialect.contains(column, rows.add(value))})"


def pattern_of(condition: Condition, operator: Operator, kind: Kind) -> str | None:
    """Return the regular expression that a condition looks for; None if it has none.

    A dot matches newlines, too, in every engine. Ignoring case is RE2's ``(?i)``, also
    for texts that are compared as they are.
    """
    text = str(condition.value)
    flags = "(?is)" if condition.ignore_case else "(?s)"
    if operator is Operator.REGULAR_EXPRESSION:
        return flags + text
    if not condition.ignore_case:
        return None
    if operator is Operator.EQUAL:
        return rf"{flags}\A{quote(text)}\z"
    if kind is Kind.LABELS:
        return f"{flags}(?:^| ){quote(text)}(?: |$)"
    return flags + quote(text)


def quote(text: str) -> str:
    """Return the regular expression that matches a text and nothing else."""
    escaped = re.sub(r"([^0-9A-Za-z_\x00\u0080-\U0010ffff])", r"\\\1", text)
    return escaped.replace("\0", r"\x00")
