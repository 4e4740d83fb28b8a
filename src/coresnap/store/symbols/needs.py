"""Which symbols a project's faults are missing, why, and how many would gain."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from sqlalchemy import Connection, bindparam, select

from coresnap.store.accepting.arrival import Arrival
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.project import Project
from coresnap.store.query.query import Condition, Fold, FoldName, Operator, Query
from coresnap.store.query.result import Buckets
from coresnap.store.state.dialect import insert_or_ignore
from coresnap.store.state.tables.symbols import POORLY_READ_MODULES
from coresnap.store.store import Store
from coresnap.store.symbols.missing import ATTRIBUTE

__all__ = ["Need", "note_missing", "symbols_needed"]

_TABLE = POORLY_READ_MODULES.c
# Most puts need it: made once, for that takes longer than SQLite.
_MODULES = select(_TABLE.build_id, _TABLE.path, _TABLE.wanted, _TABLE.reason).where(
    _TABLE.project == bindparam("in_project"),
    _TABLE.build_id.in_(bindparam("of_modules", expanding=True)),
)


@attrs.frozen
class Need:
    """One build-id whose symbols would make faults more readable."""

    build_id: str
    path: str
    """Of a module that has it, as a process had mapped it."""
    wanted: str
    """``executable`` (and its debug information), or ``debuginfo`` alone."""
    reason: str
    """Why a host could not read it."""
    faults: int


def note_missing(
    connection: Connection, project: Project, arrival: Arrival, received: int
) -> None:
    """Remember what the build-ids are of that an arrival misses."""
    missing = {module.build_id: module for module in arrival.missing}
    if not missing:
        return
    for build_id in _modules(connection, project, list(missing)):
        del missing[build_id]
    for module in missing.values():
        values = {
            "project": project.id,
            "build_id": module.build_id,
            "path": module.path,
            "wanted": module.wanted,
            "reason": module.reason,
            "first_seen": received,
        }
        insert_or_ignore(connection, POORLY_READ_MODULES, values)


def symbols_needed(
    store: Store, project: Project, known: Mapping[str, Attribute], most: int
) -> list[Need]:
    """Return the ``most`` needed build-ids, those of most faults first."""
    query = Query(
        filter=Condition(ATTRIBUTE, Operator.IS_SET),
        folds=(Fold(FoldName.DISTRIBUTION, ATTRIBUTE, size=most),),
    )
    result = store.index.query(project.id, query, known)
    counts: dict[str, int] = {}
    for group in result.groups:
        for buckets in group.folds:
            if isinstance(buckets, Buckets):
                pairs = zip(buckets.keys, buckets.counts, strict=True)
                counts = {str(key): count for key, count in pairs}
    with store.state.read() as connection:
        modules = _modules(connection, project, list(counts))
    return [
        Need(build_id, *modules.get(build_id, ("?", "debuginfo", "?")), count)
        for build_id, count in counts.items()
    ]


def _modules(
    connection: Connection, project: Project, build_ids: list[str]
) -> dict[str, tuple[str, str, str]]:
    parameters = {"in_project": project.id, "of_modules": build_ids}
    rows = connection.execute(_MODULES, parameters)
    return {build_id: (path, wanted, reason) for build_id, path, wanted, reason in rows}
