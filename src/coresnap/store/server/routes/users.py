"""Users, their roles and sessions."""

from __future__ import annotations

import time
from collections.abc import Mapping

from coresnap.errors import DeniedError
from coresnap.store.access.sessions import begin_session, end_session
from coresnap.store.access.users import (
    create_user,
    list_users,
    remove_user,
    set_password,
    set_role,
)
from coresnap.store.api.users import Login, Session, User, UserList
from coresnap.store.server.call import Call, Handler
from coresnap.store.server.server import Server

__all__ = ["handlers"]


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def login(call: Call) -> Session:
        wanted: Login = call.body
        server.doorkeeper.admit(call.address)
        try:
            lifetime = server.config.session_lifetime
            return begin_session(call.store.state, wanted, lifetime)
        except DeniedError:
            server.doorkeeper.failures.take(call.address, time.monotonic())
            raise

    def logout(call: Call) -> None:
        call.store.state.transact(lambda c: end_session(c, call.body.token))
        server.doorkeeper.forget()

    def role(call: Call) -> User:
        universe = _universe(call)
        user = call.store.state.transact(
            lambda c: set_role(c, universe, call.path["user"], call.body)
        )
        server.doorkeeper.forget()
        return user

    def password(call: Call) -> None:
        universe = _universe(call)
        call.store.state.transact(
            lambda c: set_password(c, universe, call.path["user"], call.body.password)
        )
        server.doorkeeper.forget()

    def remove(call: Call) -> None:
        universe = _universe(call)
        call.store.state.transact(lambda c: remove_user(c, universe, call.path["user"]))
        server.doorkeeper.forget()

    return {
        "create_user": _create,
        "list_users": _list,
        "login": login,
        "logout": logout,
        "remove_user": remove,
        "set_password": password,
        "set_role": role,
    }


def _create(call: Call) -> User:
    universe = _universe(call)
    return call.store.state.transact(lambda c: create_user(c, universe, call.body))


def _list(call: Call) -> UserList:
    universe = _universe(call)
    with call.store.state.read() as connection:
        return UserList(list_users(connection, universe))


def _universe(call: Call) -> str:
    """Users are of the universe: who rules one project does not rule them."""
    if call.identity.project is not None:
        raise DeniedError(f"{call.identity.name!r} is bound to one project")
    return call.identity.universe
