"""Sampling's rule of a project, and what can be asked and done about it."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    delete,
    func,
    select,
)

from coresnap.store.api.sampling import Bucket, SamplingRule, SamplingStatus
from coresnap.store.project import Project
from coresnap.store.sampling.schedule import Progress, next_time
from coresnap.store.state.dialect import upsert
from coresnap.store.state.prepared import Prepared
from coresnap.store.state.tables.sampling import (
    BUCKETS,
    FIRSTS,
    SAMPLED,
    SAMPLING_RULES,
)

__all__ = [
    "clear_rule",
    "find_rule",
    "reset_buckets",
    "sampled_of",
    "sampling_status",
    "set_rule",
]

_SHOWN = 100
_FIND = Prepared(
    select(SAMPLING_RULES.c.rule).where(
        SAMPLING_RULES.c.project == bindparam("in_project")
    )
)


def find_rule(connection: Connection, project: Project) -> SamplingRule | None:
    """Return the rule of ``project``; None if every body is kept."""
    rows = _FIND.run(connection, {"in_project": project.id})
    return msgspec.convert(rows[0].rule, SamplingRule) if rows else None


def set_rule(connection: Connection, project: Project, rule: SamplingRule) -> None:
    """Sample by ``rule`` from now on; buckets begin again."""
    row = {"project": project.id, "rule": msgspec.to_builtins(rule)}
    upsert(connection, SAMPLING_RULES, row, ("project",))
    reset_buckets(connection, project)


def clear_rule(connection: Connection, project: Project) -> None:
    """Keep every body from now on."""
    connection.execute(
        delete(SAMPLING_RULES).where(SAMPLING_RULES.c.project == project.id)
    )
    reset_buckets(connection, project)


def reset_buckets(
    connection: Connection, project: Project, fingerprint: str | None = None
) -> int:
    """Let buckets begin again, those of a fingerprint or all; return how many."""
    gone = delete(BUCKETS).where(BUCKETS.c.project == project.id)
    if fingerprint is not None:
        gone = gone.where(BUCKETS.c.fingerprint == fingerprint)
    else:
        connection.execute(delete(FIRSTS).where(FIRSTS.c.project == project.id))
    return connection.execute(gone).rowcount


def sampling_status(connection: Connection, project: Project) -> SamplingStatus:
    """Return what sampling does in ``project``."""
    rule = find_rule(connection, project)
    columns = BUCKETS.c
    rows = connection.execute(
        select(BUCKETS)
        .where(columns.project == project.id)
        .order_by(columns.used.desc(), columns.bucket)
        .limit(_SHOWN)
    ).all()
    count = connection.execute(
        select(func.count()).select_from(BUCKETS).where(columns.project == project.id)
    ).scalar_one()
    buckets = () if rule is None else tuple(_bucket(rule, row._mapping) for row in rows)
    return SamplingStatus(rule, buckets, count, _sampled(connection, project))


def _bucket(rule: SamplingRule, row: RowMapping) -> Bucket:
    progress = Progress(row["started"], row["kept"], row["sampled"], row["last"])
    return Bucket(
        row["fingerprint"],
        tuple(row["attributes"]),
        progress.kept,
        progress.sampled,
        progress.started,
        progress.last,
        next_time(rule, progress),
    )


def sampled_of(
    connection: Connection, project: Project, fingerprints: Collection[str]
) -> int:
    """Return how many faults with these fingerprints have no body by sampling."""
    return _sampled(connection, project, SAMPLED.c.fingerprint.in_(fingerprints))


def _sampled(
    connection: Connection, project: Project, *conditions: ColumnElement[bool]
) -> int:
    total: int | None = connection.execute(
        select(func.sum(SAMPLED.c.count)).where(
            SAMPLED.c.project == project.id, *conditions
        )
    ).scalar()
    return int(total or 0)  # PostgreSQL sums to a Decimal
