"""Selected faults: first which ones are on the page, then their values."""

from __future__ import annotations

from typing import Any

from coresnap.store.query.query import Query
from coresnap.store.query.result import Result, Row
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.rows import SEQUENCE

__all__ = ["answer_rows"]


def answer_rows(asking: Asking) -> Result:
    """Return one page of faults with the values of the selected attributes."""
    query = asking.query
    total = _total(asking)
    chosen = _chosen(asking) if query.offset < total and query.limit else []
    values = _values(asking, chosen) if chosen else {}
    rows = tuple(Row(values[sequence]) for sequence in chosen if sequence in values)
    return Result(
        query.select, rows=rows, total=total, faults=total, next=_next(query, chosen)
    )


def _next(query: Query, chosen: list[int]) -> int | None:
    """Return what is before the last fault of a page, if there can be anything."""
    if query.order or not chosen or len(chosen) < query.limit:
        return None
    # Of the faults that were chosen, not of those whose values were still there.
    return chosen[-1] - 1


def _total(asking: Asking) -> int:
    rows = asking.rows()
    where = asking.where(rows)
    ((total,),) = asking.run(f"SELECT count(*) FROM {rows.text()} WHERE {where}", rows)
    return int(total)


def _chosen(asking: Asking) -> list[int]:
    """Return the sequences of the page's faults, in order."""
    query, rows = asking.query, asking.rows()
    terms = [
        f"{rows.column(order.attribute)} "
        f"{'DESC' if order.descending else 'ASC'} NULLS LAST"
        for order in query.order
    ]
    order_by = ", ".join([*terms, f"{SEQUENCE} DESC"])
    where = asking.where(rows)
    statement = (
        f"SELECT {SEQUENCE} FROM {rows.text()} WHERE {where} ORDER BY {order_by} "
        f"LIMIT {rows.add(query.limit)} OFFSET {rows.add(query.offset)}"
    )
    return [int(sequence) for (sequence,) in asking.run(statement, rows)]


def _values(asking: Asking, chosen: list[int]) -> dict[int, tuple[Any, ...]]:
    """Return the selected values of faults by their sequence."""
    rows = asking.rows()
    columns = [rows.column(name) for name in asking.query.select]
    least, most = rows.add(min(chosen)), rows.add(max(chosen))
    listed = ", ".join(rows.add(sequence) for sequence in chosen)
    statement = (
        f"SELECT {', '.join([SEQUENCE, *columns])} FROM {rows.text()} "
        f"WHERE {SEQUENCE} BETWEEN {least} AND {most} AND {SEQUENCE} IN ({listed})"
    )
    return {int(row[0]): row[1:] for row in asking.run(statement, rows)}
