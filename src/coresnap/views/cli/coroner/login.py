"""``coroner login``: begin a session with a password."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from coresnap.errors import ConfigError, UsageError
from coresnap.views.cli.coroner.sessions import forget_session, keep_session
from coresnap.views.cli.coroner.store_options import NEEDED, config_of
from coresnap.views.cli.output import emit

NAME = "login"
HELP = "begin a session with a password"
DESCRIPTION = """\
Asks for a password and keeps a session token for this user, with which the commands
that follow speak with the store until it ends. The password is read from the terminal,
from CORONER_PASSWORD, or from standard input if that is no terminal; it is not kept.
"""

_LONGEST = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``login``."""
    parser.add_argument(
        "user", metavar="USER", nargs="?", help="who (default: your name here)"
    )
    parser.add_argument(
        "--universe", metavar="NAME", help="where (default: that of coroner.cf)"
    )
    parser.add_argument(
        "--logout", action="store_true", help="end the session and forget it"
    )
    parser.add_argument("--json", action="store_true", help="print errors as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Begin or end the session."""
    try:
        from coresnap.store.client.client import Client
        from coresnap.store.client.connection import Connection
    except ImportError as error:
        raise ConfigError(
            f"the client's libraries are not installed: {error.name}", remedy=NEEDED
        ) from error
    from coresnap.store.api.users import LOGIN, LOGOUT, Login, Logout

    config = config_of(arguments)
    universe = arguments.universe or config.universe
    with Client(Connection(config, ""), universe, "") as client:
        if arguments.logout:
            token = forget_session(config, universe)
            if token is not None:
                client.call(LOGOUT, Logout(token))
            emit("there was no session\n" if token is None else "the session ended\n")
            return 0
        user = arguments.user or getpass.getuser()
        session = client.call(LOGIN, Login(universe, user, _password(user)))
    path = keep_session(config, universe, session.token, session.expires)
    emit(f"{user} may ask in {universe}; the session is kept in {path}\n")
    return 0


def _password(user: str) -> str:
    password = os.environ.get("CORONER_PASSWORD")
    if password is None:
        if sys.stdin.isatty():
            password = getpass.getpass(f"Password of {user}: ")
        else:
            password = sys.stdin.readline(_LONGEST).rstrip("\n")
    if not password:
        raise UsageError("there is no password")
    return password
