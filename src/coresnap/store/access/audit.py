"""The audit log: written with each change, asked by administrators."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from coresnap.errors import MissingError
from coresnap.store.access.projects import find_universe
from coresnap.store.api.audit import AuditEntry
from coresnap.store.state.tables.audit import AUDIT

__all__ = ["list_audit", "note", "remove_before"]

_PAGE = 100
_LARGEST_PAGE = 1000


def note(connection: Connection, universe: str, entry: AuditEntry) -> None:
    """Write down what was done in a universe; ``id`` and ``time`` are made here.

    A universe that is not there has no log.
    """
    try:
        place = find_universe(connection, universe)
    except MissingError:
        return
    row = insert(AUDIT).values(
        universe=place,
        time=int(time.time()),
        name=entry.name[:128],
        address=entry.address[:64],
        operation=entry.operation[:64],
        project=entry.project[:128] if entry.project is not None else None,
        subject=entry.subject[:256],
        status=entry.status,
    )
    connection.execute(row)


def list_audit(
    connection: Connection,
    universe: str,
    asked: Mapping[str, str | int | bool],
    project: str | None = None,
) -> tuple[AuditEntry, ...]:
    """Return entries, the last first; ``asked`` has the endpoint's parameters.

    ``project`` restricts them to what was done in it.
    """
    place = find_universe(connection, universe)
    query = select(AUDIT).where(AUDIT.c.universe == place)
    columns = AUDIT.c
    conditions: dict[str, Callable[[Any], ColumnElement[bool]]] = {
        "since": columns.time.__ge__,
        "until": columns.time.__lt__,
        "name": columns.name.__eq__,
        "operation": columns.operation.__eq__,
        "before": columns.id.__lt__,
    }
    for name in conditions.keys() & asked.keys():
        query = query.where(conditions[name](asked[name]))
    if project is not None:
        query = query.where(AUDIT.c.project == project)
    limit = max(1, min(int(asked.get("limit", _PAGE)), _LARGEST_PAGE))
    rows = connection.execute(query.order_by(AUDIT.c.id.desc()).limit(limit))
    names = AuditEntry.__struct_fields__
    return tuple(
        AuditEntry(**{name: getattr(row, name) for name in names}) for row in rows
    )


def remove_before(connection: Connection, moment: int) -> int:
    """Forget entries older than ``moment``, seconds UTC; return how many those were."""
    return connection.execute(delete(AUDIT).where(AUDIT.c.time < moment)).rowcount
