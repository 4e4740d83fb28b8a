"""Sessions: what a user gets for a password, for a while."""

from __future__ import annotations

import time

from sqlalchemy import Connection, delete, insert, select

from coresnap.errors import DeniedError
from coresnap.store.access.holder import Grant, Holder
from coresnap.store.access.passwords import is_password
from coresnap.store.access.secrets import digest_of, new_secret
from coresnap.store.access.users import roles_of
from coresnap.store.api.users import Login, Session
from coresnap.store.state.state import State
from coresnap.store.state.tables.projects import UNIVERSES
from coresnap.store.state.tables.users import SESSIONS, USERS

__all__ = [
    "begin_proven_session",
    "begin_session",
    "end_session",
    "remove_expired",
    "session_holder",
]


def begin_session(state: State, login: Login, lifetime: int) -> Session:
    """Begin a session of ``lifetime`` seconds; raise DeniedError if the password, the
    user or the universe is wrong, and never say which."""
    with state.read() as connection:
        row = connection.execute(
            select(USERS.c.id, USERS.c.password)
            .join(UNIVERSES)
            .where(UNIVERSES.c.name == login.universe, USERS.c.name == login.user)
        ).one_or_none()
    # Outside of a transaction: it takes its time.
    if not is_password(login.password, row.password if row else None) or row is None:
        raise DeniedError(
            "universe, user or password is wrong",
            remedy="Ask an administrator: `coroner user password` sets another one.",
        )
    return _begun(state, row.id, lifetime)


def begin_proven_session(
    state: State, universe: str, user: str, lifetime: int
) -> Session:
    """Begin a session of a user for whom somebody else has vouched; raise DeniedError
    for one who is not a user here."""
    with state.read() as connection:
        account = connection.execute(
            select(USERS.c.id)
            .join(UNIVERSES)
            .where(UNIVERSES.c.name == universe, USERS.c.name == user)
        ).scalar_one_or_none()
    if account is None:
        raise DeniedError(
            f"{user[:80]} is not a user of {universe}",
            remedy="Ask an administrator: `coroner user create` makes one.",
        )
    return _begun(state, account, lifetime)


def _begun(state: State, account: int, lifetime: int) -> Session:
    secret, now = new_secret(), int(time.time())
    with state.write() as connection:
        values = {
            "account": account,
            "digest": digest_of(secret),
            "created": now,
            "expires": now + lifetime,
        }
        connection.execute(insert(SESSIONS).values(values))
    return Session(secret, now + lifetime)


def end_session(connection: Connection, secret: str) -> None:
    """End a session; one that is not there has ended."""
    gone = SESSIONS.c.digest == digest_of(secret)
    connection.execute(delete(SESSIONS).where(gone))


def remove_expired(connection: Connection, now: int) -> None:
    """Forget sessions that have expired at ``now``, seconds UTC."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.expires <= now))


def session_holder(connection: Connection, digest: str) -> Holder | None:
    """Return whose session has this digest; None if it has ended."""
    row = connection.execute(
        select(
            USERS.c.id,
            USERS.c.name,
            SESSIONS.c.expires,
            UNIVERSES.c.name.label("universe"),
        )
        .join(USERS, SESSIONS.c.account == USERS.c.id)
        .join(UNIVERSES, USERS.c.universe == UNIVERSES.c.id)
        .where(SESSIONS.c.digest == digest, SESSIONS.c.expires > int(time.time()))
    ).one_or_none()
    if row is None:
        return None
    roles = roles_of(connection, row.id)
    grants = {project: Grant.of(role) for project, role in roles.items()}
    return Holder(row.name, row.universe, grants, row.expires)
