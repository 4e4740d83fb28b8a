"""Universes and projects: making and finding them."""

from __future__ import annotations

import re
import time

from sqlalchemy import Connection, insert, select

from coresnap.errors import ConflictError, MissingError, UsageError
from coresnap.store.project import Project
from coresnap.store.state.tables.projects import PROJECTS, UNIVERSES

__all__ = [
    "all_projects",
    "checked_name",
    "create_project",
    "ensure_project",
    "ensure_universe",
    "find_project",
    "find_universe",
    "list_projects",
    "project_of",
]

_NAME = re.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def checked_name(name: str, what: str) -> str:
    """Return ``name``; raise UsageError unless it can be the name of a ``what``."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"this is no name of a {what}: {name[:40]!r}",
            remedy="Take letters and digits, with _ . - between them; at most 128.",
        )
    return name


def find_universe(connection: Connection, name: str) -> int:
    """Return a universe's id; raise MissingError if it is not there."""
    found = connection.scalar(select(UNIVERSES.c.id).where(UNIVERSES.c.name == name))
    if found is None:
        raise MissingError(f"there is no universe {name!r}")
    return int(found)


def ensure_universe(connection: Connection, name: str) -> int:
    """Return a universe's id; it is made if it is not there."""
    try:
        return find_universe(connection, name)
    except MissingError:
        checked_name(name, "universe")
    row = insert(UNIVERSES).values(name=name, created=int(time.time()))
    made: int = connection.execute(row.returning(UNIVERSES.c.id)).scalar_one()
    return made


def find_project(connection: Connection, universe: str, name: str) -> Project:
    """Return a project; raise MissingError if it is not there."""
    found = connection.scalar(
        select(PROJECTS.c.id)
        .join(UNIVERSES)
        .where(UNIVERSES.c.name == universe, PROJECTS.c.name == name)
    )
    if found is None:
        raise MissingError(f"there is no project {universe}/{name}")
    return Project(int(found), universe, name)


def project_of(connection: Connection, id: int) -> Project:
    """Return the project with this id; raise MissingError if it is not there."""
    row = connection.execute(
        select(PROJECTS.c.name, UNIVERSES.c.name.label("universe"))
        .join(UNIVERSES)
        .where(PROJECTS.c.id == id)
    ).one_or_none()
    if row is None:
        raise MissingError("there is no such project")
    return Project(id, row.universe, row.name)


def create_project(connection: Connection, universe: str, name: str) -> Project:
    """Make a project; raise ConflictError if it is there, UsageError for its name."""
    checked_name(name, "project")
    place = find_universe(connection, universe)
    try:
        find_project(connection, universe, name)
    except MissingError:
        row = insert(PROJECTS).values(
            universe=place, name=name, created=int(time.time())
        )
        made = connection.execute(row.returning(PROJECTS.c.id)).scalar_one()
        return Project(made, universe, name)
    raise ConflictError(f"there is a project {universe}/{name} already")


def ensure_project(connection: Connection, universe: str, name: str) -> Project:
    """Return a project; it and its universe are made if they are not there."""
    ensure_universe(connection, universe)
    try:
        return find_project(connection, universe, name)
    except MissingError:
        return create_project(connection, universe, name)


def all_projects(connection: Connection) -> tuple[Project, ...]:
    """Return the projects of all universes."""
    rows = connection.execute(
        select(PROJECTS.c.id, PROJECTS.c.name, UNIVERSES.c.name.label("universe"))
        .join(UNIVERSES)
        .order_by(PROJECTS.c.id)
    )
    return tuple(Project(row.id, row.universe, row.name) for row in rows)


def list_projects(connection: Connection, universe: str) -> tuple[Project, ...]:
    """Return the projects of a universe, by name."""
    rows = connection.execute(
        select(PROJECTS.c.id, PROJECTS.c.name)
        .join(UNIVERSES)
        .where(UNIVERSES.c.name == universe)
        .order_by(PROJECTS.c.name)
    )
    return tuple(Project(row.id, universe, row.name) for row in rows)
