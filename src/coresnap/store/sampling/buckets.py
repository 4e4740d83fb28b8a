"""What sampling remembers, in the state.

Whoever accepts a fault holds the row of the last sequence, so that no two transactions
read and write a bucket at once.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import attrs
from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningInsert

from coresnap.store.api.sampling import SamplingRule
from coresnap.store.fault import Value
from coresnap.store.project import Project
from coresnap.store.sampling.schedule import Progress
from coresnap.store.state.dialect import insert_or_ignore, upsert, upsert_returning
from coresnap.store.state.tables.sampling import BUCKETS, FIRSTS, SAMPLED

__all__ = [
    "BucketKey",
    "add_firsts",
    "bucket_key",
    "count_sampled",
    "find_progress",
    "new_firsts",
    "write_progress",
]

_FIRSTS_PER_BUCKET = 64
"""Values that are remembered for each bucket that there may be."""

# Statements that every put needs are made once: that takes longer than SQLite.
_PLACE = (
    BUCKETS.c.project == bindparam("in_project"),
    BUCKETS.c.bucket == bindparam("of_bucket"),
)
_FIND = select(
    BUCKETS.c.started, BUCKETS.c.kept, BUCKETS.c.sampled, BUCKETS.c.last
).where(*_PLACE)
_WRITE = update(BUCKETS).where(*_PLACE)
_SEEN = select(FIRSTS.c.value).where(
    FIRSTS.c.project == bindparam("in_project"),
    FIRSTS.c.value.in_(bindparam("of_values", expanding=True)),
)


@attrs.frozen
class BucketKey:
    """What faults of one bucket have in common."""

    fingerprint: str
    values: tuple[str, ...]

    @property
    def id(self) -> str:
        """32 hex digits."""
        return _digest(self.fingerprint, *self.values)


def bucket_key(
    rule: SamplingRule, fingerprint: str, attributes: Mapping[str, Value]
) -> BucketKey:
    """Return the bucket of a fault with these attributes."""
    values = tuple(str(attributes.get(name, "")) for name in rule.attributes)
    return BucketKey(fingerprint, values)


def find_progress(
    connection: Connection, project: Project, key: BucketKey
) -> Progress | None:
    """Return how far a bucket is; None if it is not known."""
    place = {"in_project": project.id, "of_bucket": key.id}
    row = connection.execute(_FIND, place).first()
    return None if row is None else Progress(*row)


def write_progress(
    connection: Connection,
    project: Project,
    rule: SamplingRule,
    key: BucketKey,
    progress: Progress,
    now: int,
) -> None:
    """Remember how far a bucket is; forget the oldest of too many."""
    values = {**attrs.asdict(progress), "used": now}
    place = {"in_project": project.id, "of_bucket": key.id}
    if connection.execute(_WRITE, {**values, **place}).rowcount:
        return
    upsert(
        connection,
        BUCKETS,
        {
            "project": project.id,
            "bucket": key.id,
            "fingerprint": key.fingerprint,
            # For people alone; the key has all of it.
            "attributes": [value[:128] for value in key.values],
            **values,
        },
        ("project", "bucket"),
    )
    _forget(connection, project, BUCKETS, "bucket", "used", rule.buckets)


def new_firsts(
    connection: Connection,
    project: Project,
    rule: SamplingRule,
    fingerprint: str,
    attributes: Mapping[str, Value],
) -> dict[str, str]:
    """Return the attributes whose value no fault of the fingerprint had, with the ids
    to remember those by."""
    ids = {
        name: _digest(fingerprint, name, str(attributes[name]))
        for name in rule.first_of
        if name in attributes
    }
    if not ids:
        return {}
    asked = {"in_project": project.id, "of_values": list(ids.values())}
    seen = set(connection.execute(_SEEN, asked).scalars())
    return {name: id for name, id in ids.items() if id not in seen}


def add_firsts(
    connection: Connection,
    project: Project,
    rule: SamplingRule,
    new: Mapping[str, str],
    now: int,
) -> None:
    """Remember what ``new_firsts`` returned."""
    for value in new.values():
        row = {"project": project.id, "value": value, "noted": now}
        insert_or_ignore(connection, FIRSTS, row)
    if new:
        most = rule.buckets * _FIRSTS_PER_BUCKET
        _forget(connection, project, FIRSTS, "value", "noted", most)


def count_sampled(connection: Connection, project: Project, fingerprint: str) -> None:
    """Count one body that was not kept."""
    row = {"project": project.id, "fingerprint": fingerprint, "count": 1}
    connection.execute(_counting(connection.dialect.name), row)


@functools.cache
def _counting(dialect: str) -> ReturningInsert[Any]:
    keys, count = ("project", "fingerprint"), SAMPLED.c.count
    return upsert_returning(dialect, SAMPLED, keys, {"count": count + 1}, [count])


def _forget(
    connection: Connection,
    project: Project,
    table: Table,
    key: str,
    age: str,
    most: int,
) -> None:
    """Forget the oldest rows of a project beyond ``most``."""
    columns = table.c
    of_project = columns.project == project.id
    count = connection.execute(
        select(func.count()).select_from(table).where(of_project)
    ).scalar_one()
    if count <= most:
        return
    oldest = (
        select(columns[key])
        .where(of_project)
        .order_by(columns[age], columns[key])
        .limit(count - most)
    )
    ids = connection.execute(oldest).scalars().all()
    connection.execute(delete(table).where(of_project, columns[key].in_(ids)))


def _digest(*parts: str) -> str:
    # With lengths: ("ab", "c") is not ("a", "bc").
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
