"""The attributes of a project: the catalogue's, and those that its faults brought.

They are cached in the process for each database. A revision in the state says whether
another server changed something since.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from weakref import WeakKeyDictionary, WeakSet

import attrs
from sqlalchemy import Connection, Engine, Row, Transaction, insert, select, update

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.store.project import Project
from coresnap.store.state.tables.attributes import ATTRIBUTE_REVISIONS, ATTRIBUTES

__all__ = ["Known", "cached", "changed", "known", "load"]


@attrs.frozen
class Known:
    """All attributes of a project, at one revision."""

    revision: int
    attributes: Mapping[str, Attribute]
    guessed: frozenset[str]
    """Those whose format was guessed, and may prove wrong."""
    discovered: int
    """How many are not the catalogue's."""


_CACHES: WeakKeyDictionary[Engine, dict[int, Known]] = WeakKeyDictionary()
_UNCOMMITTED: WeakSet[Transaction] = WeakSet()
_LOCK = threading.Lock()


def known(connection: Connection, project: Project) -> Mapping[str, Attribute]:
    """Return every attribute that faults of ``project`` have or can have, by name.

    Costs one statement where nothing has changed since the last call.
    """
    found = cached(connection, project)
    if found is None or found.revision != _revision(connection, project):
        found = load(connection, project)
    return found.attributes


def cached(connection: Connection, project: Project) -> Known | None:
    """Return what is known without asking the state; it may be old."""
    with _LOCK:
        return _CACHES.get(connection.engine, {}).get(project.id)


def load(connection: Connection, project: Project) -> Known:
    """Read the attributes of ``project``, and remember them."""
    # Before the rows: what comes between is read twice, and not missed.
    revision = _revision(connection, project)
    rows = connection.execute(
        select(ATTRIBUTES).where(ATTRIBUTES.c.project == project.id)
    ).all()
    attributes = {**CATALOGUE, **{row.name: _attribute(row) for row in rows}}
    found = Known(
        revision,
        attributes,
        frozenset(row.name for row in rows if row.is_guessed),
        sum(row.is_discovered for row in rows),
    )
    with _LOCK:
        # What this connection wrote can still be rolled back.
        if connection.get_transaction() not in _UNCOMMITTED:
            _CACHES.setdefault(connection.engine, {})[project.id] = found
    return found


def changed(connection: Connection, project: Project) -> None:
    """Let every server read the attributes of ``project`` again, after the commit."""
    transaction = connection.get_transaction()
    assert transaction is not None, "what changes attributes is within a transaction"
    with _LOCK:
        # Not the connection: the next transaction may have the same one.
        _UNCOMMITTED.add(transaction)
    revisions = ATTRIBUTE_REVISIONS
    done = connection.execute(
        update(revisions)
        .where(revisions.c.project == project.id)
        .values(revision=revisions.c.revision + 1)
    )
    if done.rowcount == 0:
        connection.execute(insert(revisions).values(project=project.id, revision=1))


def _revision(connection: Connection, project: Project) -> int:
    revisions = ATTRIBUTE_REVISIONS
    return (
        connection.execute(
            select(revisions.c.revision).where(revisions.c.project == project.id)
        ).scalar()
        or 0
    )


def _attribute(row: Row[tuple[object, ...]]) -> Attribute:
    ours = CATALOGUE.get(row.name)
    return Attribute(
        row.name,
        ours.kind if ours else Kind(row.kind),
        row.format,
        row.unit,
        row.description,
        row.is_protected,
        is_known=ours is not None,
    )
