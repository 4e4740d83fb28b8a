"""Users: made, removed, given roles and passwords."""

from __future__ import annotations

import time
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update

from coresnap.errors import ConflictError, MissingError
from coresnap.store.access.passwords import hashed
from coresnap.store.access.projects import checked_name, find_project, find_universe
from coresnap.store.api.users import GivenRole, NewUser, Role, User
from coresnap.store.state.tables.projects import PROJECTS
from coresnap.store.state.tables.users import ROLES, SESSIONS, USERS

__all__ = [
    "create_user",
    "list_users",
    "remove_user",
    "roles_of",
    "set_password",
    "set_role",
]


def create_user(connection: Connection, universe: str, wanted: NewUser) -> User:
    """Make a user; raise ConflictError if the name is taken, MissingError without the
    project."""
    place = find_universe(connection, universe)
    name = checked_name(wanted.name, "user")
    if _find(connection, place, name) is not None:
        raise ConflictError(f"there is a user {name!r} already")
    row = insert(USERS).values(
        universe=place,
        name=name,
        password=hashed(wanted.password),
        created=int(time.time()),
    )
    connection.execute(row)
    given = GivenRole(wanted.role, wanted.project)
    return set_role(connection, universe, name, given)


def set_role(
    connection: Connection, universe: str, name: str, given: GivenRole
) -> User:
    """Give a role or take it away; raise MissingError for user and project."""
    account = _existing(connection, universe, name)
    project = (
        find_project(connection, universe, given.project).id
        if given.project is not None
        else None
    )
    # `project = NULL` is never true in SQL.
    here = ROLES.c.project.is_(None) if project is None else ROLES.c.project == project
    connection.execute(delete(ROLES).where(ROLES.c.account == account, here))
    if given.role is not None:
        row = insert(ROLES).values(
            account=account, project=project, role=given.role.value
        )
        connection.execute(row)
    return next(user for user in list_users(connection, universe) if user.name == name)


def list_users(connection: Connection, universe: str) -> tuple[User, ...]:
    """Return the users of a universe, by name."""
    place = find_universe(connection, universe)
    users = connection.execute(
        select(USERS).where(USERS.c.universe == place).order_by(USERS.c.name)
    ).all()
    rows = connection.execute(
        select(ROLES.c.account, ROLES.c.role, PROJECTS.c.name)
        .join(USERS)
        .outerjoin(PROJECTS, ROLES.c.project == PROJECTS.c.id)
        .where(USERS.c.universe == place)
        .order_by(PROJECTS.c.name)
    )
    roles: dict[int, list[GivenRole]] = {user.id: [] for user in users}
    for row in rows:
        roles[row.account].append(GivenRole(Role(row.role), row.name))
    return tuple(User(u.name, u.created, tuple(roles[u.id])) for u in users)


def set_password(
    connection: Connection, universe: str, name: str, password: str
) -> None:
    """Change a password, and end all sessions of the user; raise MissingError."""
    account = _existing(connection, universe, name)
    change = update(USERS).where(USERS.c.id == account)
    connection.execute(change.values(password=hashed(password)))
    connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))


def remove_user(connection: Connection, universe: str, name: str) -> None:
    """Remove a user with roles and sessions; raise MissingError."""
    account = _existing(connection, universe, name)
    connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account))
    connection.execute(delete(ROLES).where(ROLES.c.account == account))
    connection.execute(delete(USERS).where(USERS.c.id == account))


def roles_of(connection: Connection, account: int) -> Mapping[int | None, Role]:
    """Return the roles of a user by project id; None is the universe's."""
    rows = connection.execute(
        select(ROLES.c.project, ROLES.c.role).where(ROLES.c.account == account)
    )
    return {row.project: Role(row.role) for row in rows}


def _existing(connection: Connection, universe: str, name: str) -> int:
    account = _find(connection, find_universe(connection, universe), name)
    if account is None:
        raise MissingError(
            f"there is no user {name!r}", remedy="`coroner user list` lists them."
        )
    return account


def _find(connection: Connection, universe: int, name: str) -> int | None:
    found = connection.scalar(
        select(USERS.c.id).where(USERS.c.universe == universe, USERS.c.name == name)
    )
    return None if found is None else int(found)
