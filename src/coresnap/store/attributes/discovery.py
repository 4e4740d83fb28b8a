"""Attributes as they arrive: capped, of the right kind, and registered when new.

A put whose attributes are all known asks the state nothing. Registering holds the row
of the project, so several servers agree on kinds and stay within the project's bound.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from sqlalchemy import Connection, func, insert, select, update

from coresnap.store.accepting.arrival import Arrival
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.attributes.caps import NAMES, Loss, capped
from coresnap.store.attributes.guessing import fits, guess
from coresnap.store.attributes.known import Known, cached, changed, load
from coresnap.store.attributes.losses import count_losses
from coresnap.store.attributes.widening import coerced, widened
from coresnap.store.fault import Value
from coresnap.store.project import Project
from coresnap.store.state.tables.attributes import ATTRIBUTES
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["note"]


def note(
    connection: Connection, project: Project, arrival: Arrival
) -> dict[str, Value]:
    """Return the attributes of ``arrival`` as they are to be indexed.

    Within the caps, each of its attribute's kind. New ones are registered, a value of
    another kind widens that of its attribute, and what is left out is counted.
    """
    bounded = capped(arrival.attributes)
    losses = dict(bounded.losses)
    values = bounded.attributes
    found = cached(connection, project) or load(connection, project)
    if _surprising(values, found):
        found = load(connection, project)
        if _surprising(values, found):
            found = _register(connection, project, values)
    kept = {}
    for name, value in values.items():
        attribute = found.attributes.get(name)
        of_kind = None if attribute is None else coerced(value, attribute)
        if of_kind is None:
            losses[name] = Loss.PROJECT if attribute is None else Loss.KIND
        else:
            kept[name] = of_kind
    count_losses(connection, project, losses)
    return kept


def _surprising(values: Mapping[str, Value], found: Known) -> bool:
    """Whether the state has to learn something from ``values``."""
    is_full = found.discovered >= NAMES
    for name, value in values.items():
        attribute = found.attributes.get(name)
        if attribute is None:
            if not is_full:
                return True
        elif coerced(value, attribute) is None:
            if not attribute.is_known:
                return True
        elif name in found.guessed and not fits(attribute.format, value):
            return True
    return False


def _register(
    connection: Connection, project: Project, values: Mapping[str, Value]
) -> Known:
    # NO KEY UPDATE: rows that refer to the project can be added meanwhile.
    connection.execute(
        select(PROJECTS.c.id)
        .where(PROJECTS.c.id == project.id)
        .with_for_update(key_share=True)
    )
    found = load(connection, project)
    if not _surprising(values, found):
        return found
    room = NAMES - found.discovered
    now = int(time.time())
    for name, value in values.items():
        attribute = found.attributes.get(name)
        if attribute is None:
            if room > 0:
                _add(connection, project, guess(name, value), now)
                room -= 1
        elif not attribute.is_known:
            _adapt(connection, project, attribute, value, name in found.guessed, now)
    changed(connection, project)
    return load(connection, project)


def _add(
    connection: Connection, project: Project, attribute: Attribute, now: int
) -> None:
    row = insert(ATTRIBUTES).values(
        project=project.id,
        name=attribute.name,
        kind=attribute.kind,
        format=attribute.format,
        is_guessed=attribute.format != "none",
        unit=attribute.unit,
        description="",
        is_protected=attribute.is_protected,
        is_discovered=True,
        created=now,
    )
    connection.execute(row)


def _adapt(
    connection: Connection,
    project: Project,
    attribute: Attribute,
    value: Value,
    is_guessed: bool,
    now: int,
) -> None:
    """Take ``value`` into account: widen the kind, give up a guess that was wrong."""
    row = update(ATTRIBUTES).where(
        ATTRIBUTES.c.project == project.id, ATTRIBUTES.c.name == attribute.name
    )
    if coerced(value, attribute) is None:
        kind = widened(attribute, value)
        row = row.values(
            kind=kind,
            widened=now,
            narrow_kind=func.coalesce(ATTRIBUTES.c.narrow_kind, ATTRIBUTES.c.kind),
        )
    elif not is_guessed or fits(attribute.format, value):
        return
    connection.execute(row.values(format="none", unit="", is_guessed=False))
