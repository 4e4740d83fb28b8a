"""Making and revoking tokens."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.errors import DeniedError, MissingError
from coresnap.store.access.projects import project_of
from coresnap.store.access.tokens import create_token, list_tokens, revoke_token
from coresnap.store.api.tokens import CreatedToken, NewToken, TokenList
from coresnap.store.server.call import Call, Handler
from coresnap.store.server.server import Server

__all__ = ["handlers"]


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def create(call: Call) -> CreatedToken:
        wanted: NewToken = call.body
        _check_project(call, wanted.project)
        identity = call.identity
        return call.store.state.transact(
            lambda c: create_token(c, identity.universe, wanted, identity.name)
        )

    def revoke(call: Call) -> None:
        identity, word = call.identity, call.path["token"]
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise MissingError(f"there is no token {word!r}")
        call.store.state.transact(
            lambda c: revoke_token(c, identity.universe, int(word), identity.project)
        )
        server.doorkeeper.forget()

    return {"create_token": create, "list_tokens": _list, "revoke_token": revoke}


def _list(call: Call) -> TokenList:
    identity = call.identity
    with call.store.state.read() as connection:
        return TokenList(list_tokens(connection, identity.universe, identity.project))


def _check_project(call: Call, project: str | None) -> None:
    """Whoever rules one project makes tokens of that one."""
    only = call.identity.project
    if only is None:
        return
    with call.store.state.read() as connection:
        own = project_of(connection, only).name
    if project != own:
        raise DeniedError(f"{call.identity.name!r} makes tokens of project {own!r}")
