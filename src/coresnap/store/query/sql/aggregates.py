"""Folds with single values as SQL aggregates, and what is made of their results."""

from __future__ import annotations

from typing import Any

from coresnap.store.attributes.attribute import Kind
from coresnap.store.fault import Value
from coresnap.store.query.query import Fold, FoldName
from coresnap.store.query.result import FoldValue
from coresnap.store.query.sql.rows import SEQUENCE, Rows

__all__ = ["aggregates", "fold_value", "measure"]


def aggregates(fold: Fold, rows: Rows) -> list[str]:
    """Return the SELECT items of a fold: two for a range, else one."""
    if fold.name is FoldName.RANGE:
        return [measure(fold, part, rows) for part in (0, 1)]
    if fold.name is FoldName.SUM and rows.names[fold.attribute].kind is Kind.INTEGER:
        return [rows.dialect.text(measure(fold, 0, rows))]
    return [measure(fold, 0, rows)]


def measure(fold: Fold, part: int, rows: Rows) -> str:
    """Return the SQL of one value of a fold, as groups are sorted and chosen by it."""
    column = rows.column(fold.attribute)
    dialect = rows.dialect
    is_integer = rows.names[fold.attribute].kind is Kind.INTEGER
    match fold.name:
        case FoldName.HEAD:
            return dialect.first_by(column, SEQUENCE)
        case FoldName.TAIL:
            return dialect.last_by(column, SEQUENCE)
        case FoldName.OBJECT:
            object_id = rows.column("object")
            owner = f"CASE WHEN {column} IS NOT NULL THEN {object_id} END"
            return dialect.last_by(owner, SEQUENCE)
        case FoldName.UNIQUE:
            return f"count(DISTINCT {column})"
        case FoldName.COUNT:
            return f"count({column})"
        case FoldName.SUM | FoldName.MEAN:
            total = (
                dialect.exact_sum(column)
                if is_integer
                else dialect.sum_of_doubles(column)
            )
            if fold.name is FoldName.SUM:
                return total
            return f"{dialect.double(total)} / nullif(count({column}), 0)"
        case FoldName.MAXIMUM:
            return f"max({column})"
    return f"{'max' if part else 'min'}({column})"


def fold_value(fold: Fold, values: tuple[Any, ...], kind: Kind) -> FoldValue:
    """Return what a fold answers, of the results of its SELECT items."""
    if fold.name is FoldName.RANGE:
        return None if values[0] is None else values
    value: Value | None = values[0]
    if fold.name is not FoldName.SUM or value is None:
        return value
    if kind is Kind.INTEGER:
        total = int(value)
        return total if -(2**63) <= total < 2**63 else float(total)
    return value
