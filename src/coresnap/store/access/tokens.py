"""Tokens: made, listed, revoked, recognised."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert, select, update

from coresnap.errors import ConflictError, MissingError, UsageError
from coresnap.store.access.holder import Grant, Holder
from coresnap.store.access.projects import checked_name, find_project, find_universe
from coresnap.store.access.secrets import digest_of, is_secret, new_secret
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.tokens import CreatedToken, NewToken, Token
from coresnap.store.state.tables.projects import PROJECTS, UNIVERSES
from coresnap.store.state.tables.tokens import TOKENS

__all__ = [
    "create_token",
    "has_admin",
    "list_tokens",
    "note_use",
    "revoke_token",
    "token_holder",
]


def create_token(
    connection: Connection, universe: str, wanted: NewToken, creator: str
) -> CreatedToken:
    """Make a token, and tell its digits.

    Raises ConflictError if its digits are known already, or its name is taken by one
    that is good; MissingError if the project is not there; UsageError for what makes
    no sense.
    """
    secret = wanted.token or new_secret()
    if not is_secret(secret):
        raise UsageError("a token has 64 hex digits in lower case")
    name = checked_name(wanted.name, "token")
    place = find_universe(connection, universe)
    project = (
        find_project(connection, universe, wanted.project).id
        if wanted.project is not None
        else None
    )
    _refuse_a_second(connection, place, name, digest_of(secret))
    row = insert(TOKENS).values(
        universe=place,
        project=project,
        name=name,
        digest=digest_of(secret),
        capabilities=" ".join(sorted(set(wanted.capabilities))),
        created=int(time.time()),
        created_by=creator,
        expires=wanted.expires,
    )
    made = connection.execute(row.returning(TOKENS.c.id)).scalar_one()
    return CreatedToken(secret, _described(connection, place, TOKENS.c.id == made)[0])


def _refuse_a_second(
    connection: Connection, universe: int, name: str, digest: str
) -> None:
    same = select(TOKENS.c.id).where(TOKENS.c.digest == digest)
    if connection.scalar(same) is not None:
        raise ConflictError("there is, or was, a token with these digits")
    named = select(TOKENS.c.id).where(
        TOKENS.c.universe == universe, TOKENS.c.name == name, TOKENS.c.revoked.is_(None)
    )
    if connection.scalar(named) is not None:
        raise ConflictError(
            f"there is a token {name!r} already",
            remedy="Take another name, or revoke it: `coroner token revoke`.",
        )


def list_tokens(
    connection: Connection, universe: str, project: int | None = None
) -> tuple[Token, ...]:
    """Return the tokens of a universe that are not revoked, or of one project's."""
    place = find_universe(connection, universe)
    if project is None:
        return _described(connection, place)
    return _described(connection, place, TOKENS.c.project == project)


def _described(
    connection: Connection, universe: int, *conditions: object
) -> tuple[Token, ...]:
    query = (
        select(TOKENS, PROJECTS.c.name.label("project_name"))
        .outerjoin(PROJECTS, TOKENS.c.project == PROJECTS.c.id)
        .where(TOKENS.c.universe == universe, TOKENS.c.revoked.is_(None))
        .order_by(TOKENS.c.name, TOKENS.c.id)
    )
    for condition in conditions:
        query = query.where(condition)  # type: ignore[arg-type]
    return tuple(
        Token(
            id=row.id,
            name=row.name,
            capabilities=tuple(map(Capability, row.capabilities.split())),
            project=row.project_name,
            created=row.created,
            created_by=row.created_by,
            expires=row.expires,
            used=row.used,
        )
        for row in connection.execute(query)
    )


def revoke_token(
    connection: Connection, universe: str, token: int, project: int | None = None
) -> None:
    """Revoke a token of a universe, or only of a project's; raise MissingError."""
    place = find_universe(connection, universe)
    change = update(TOKENS).where(
        TOKENS.c.universe == place, TOKENS.c.id == token, TOKENS.c.revoked.is_(None)
    )
    if project is not None:
        change = change.where(TOKENS.c.project == project)
    done = connection.execute(change.values(revoked=int(time.time())))
    if done.rowcount == 0:
        raise MissingError(
            f"there is no token {token}", remedy="`coroner token list` lists them."
        )


def token_holder(connection: Connection, digest: str) -> Holder | None:
    """Return who holds the token with this digest; None if it is not good."""
    row = connection.execute(
        select(TOKENS, UNIVERSES.c.name.label("universe_name"))
        .join(UNIVERSES)
        .where(TOKENS.c.digest == digest, TOKENS.c.revoked.is_(None))
    ).one_or_none()
    if row is None or (row.expires is not None and row.expires <= time.time()):
        return None
    grant = Grant(frozenset(map(Capability, row.capabilities.split())))
    return Holder(
        name=row.name,
        universe=row.universe_name,
        grants={row.project: grant},
        expires=row.expires,
        token=row.id,
    )


def has_admin(connection: Connection, universe: str) -> bool:
    """Return whether a token of this universe allows everything in all of it."""
    tokens: Iterable[Token] = list_tokens(connection, universe)
    return any(
        token.project is None and Capability.ADMIN in token.capabilities
        for token in tokens
    )


def note_use(connection: Connection, used: Mapping[int, int]) -> None:
    """Write down when tokens were used: id to seconds, UTC since the epoch."""
    for token, moment in sorted(used.items()):
        connection.execute(
            update(TOKENS).where(TOKENS.c.id == token).values(used=moment)
        )
