"""What people set about the attributes of a project."""

from __future__ import annotations

import time

from sqlalchemy import Connection, select

from coresnap.errors import MissingError, UsageError
from coresnap.snapshot.escape import quoted
from coresnap.store.api.attributes import (
    AttributeChange,
    AttributeStatus,
    WidenedAttribute,
)
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.caps import NAMES
from coresnap.store.attributes.catalogue import FORMATS
from coresnap.store.attributes.known import changed, load
from coresnap.store.attributes.losses import list_losses
from coresnap.store.attributes.widening import is_wider
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.attributes import ATTRIBUTES
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["attribute_status", "set_attribute"]


def set_attribute(
    connection: Connection, project: Project, name: str, change: AttributeChange
) -> Attribute:
    """Change what is known of an attribute, and return it.

    Raises MissingError if the project has no such attribute, UsageError for a kind
    that would lose values, and for a format that does not fit the kind.
    """
    connection.execute(
        select(PROJECTS.c.id)
        .where(PROJECTS.c.id == project.id)
        .with_for_update(key_share=True)
    )
    old = load(connection, project).attributes.get(name)
    if old is None:
        raise MissingError(
            f"no fault of {project} has an attribute {quoted(name)}",
            remedy="`coroner describe` lists the attributes that there are.",
        )
    kind = _kind(old, change.kind)
    values = {
        "kind": kind,
        "format": _format(old, kind, change.format),
        "is_guessed": False,
        "unit": old.unit if change.unit is None else change.unit,
        "description": (
            old.description if change.description is None else change.description
        ),
        "is_protected": (
            old.is_protected if change.is_protected is None else change.is_protected
        ),
    }
    if kind is not old.kind:
        values |= {"narrow_kind": old.kind, "widened": int(time.time())}
    row = {
        "project": project.id,
        "name": name,
        "is_discovered": not old.is_known,
        "created": int(time.time()),
        **values,
    }
    upsert(connection, ATTRIBUTES, row, ("project", "name"), values)
    changed(connection, project)
    return load(connection, project).attributes[name]


def _kind(old: Attribute, wanted: str | None) -> Kind:
    if wanted is None or wanted == old.kind:
        return old.kind
    if wanted not in tuple(Kind):
        kinds = ", ".join(Kind)
        raise UsageError(
            f"there is no kind {quoted(wanted)}", remedy=f"The kinds are: {kinds}."
        )
    if old.is_known:
        raise UsageError(
            f"{old.name} is an attribute of ours and stays {old.kind}",
            remedy="Format, unit, description and protection can be set.",
        )
    kind = Kind(wanted)
    if not (is_wider(kind, old.kind) or {kind, old.kind} == {Kind.TEXT, Kind.LABELS}):
        raise UsageError(
            f"{old.name} is {old.kind}: as {kind} it would lose values",
            remedy="A kind can be widened: integer, number, text or labels.",
        )
    return kind


def _format(old: Attribute, kind: Kind, wanted: str | None) -> str:
    if wanted is None:
        return old.format if kind in FORMATS[old.format] else "none"
    if wanted not in FORMATS:
        formats = ", ".join(FORMATS)
        raise UsageError(
            f"there is no format {quoted(wanted)}", remedy=f"They are: {formats}."
        )
    if kind not in FORMATS[wanted]:
        kinds = " or ".join(FORMATS[wanted])
        raise UsageError(
            f"format {wanted} is for {kinds}, and {old.name} is {kind}",
            remedy=f"Set --kind {FORMATS[wanted][0]} first, if its values are that.",
        )
    return wanted


def attribute_status(connection: Connection, project: Project) -> AttributeStatus:
    """Return how the attributes of ``project`` stand to the bounds."""
    columns = ATTRIBUTES.c
    widened = connection.execute(
        select(columns.name, columns.narrow_kind, columns.kind, columns.widened)
        .where(columns.project == project.id, columns.widened.is_not(None))
        .order_by(columns.name)
    )
    return AttributeStatus(
        load(connection, project).discovered,
        NAMES,
        list_losses(connection, project),
        tuple(WidenedAttribute(*row) for row in widened),
    )
