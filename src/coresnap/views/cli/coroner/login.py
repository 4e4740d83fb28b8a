"""``coroner login``: begin a session with a password."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys

from coresnap.errors import ConfigError, UsageError
from coresnap.views.cli.coroner.answer import day
from coresnap.views.cli.coroner.sessions import (
    forget_session,
    keep_session,
    session_token,
)
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
    parser.add_argument("--json", action="store_true", help="print JSON; errors too")


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
            token = session_token(config, universe)
            if token is not None:
                # The store first: a token that only we have forgotten still opens it.
                client.call(LOGOUT, Logout(token), again=True)
            forget_session(config, universe)
            _tell_end(token is not None, as_json=arguments.json)
            return 0
        user = arguments.user or getpass.getuser()
        session = client.call(LOGIN, Login(universe, user, _password(user)))
    path = keep_session(config, universe, session.token, session.expires)
    if arguments.json:
        body = {"user": user, "universe": universe, "expires": session.expires}
        emit(json.dumps({**body, "kept": str(path)}) + "\n")
    else:
        until = day(session.expires, "")
        emit(f"{user} may ask in {universe} until {until} UTC, as {path} says\n")
    return 0


def _tell_end(was_there: bool, *, as_json: bool) -> None:
    if as_json:
        emit(json.dumps({"ended": was_there}) + "\n")
    else:
        emit("the session ended\n" if was_there else "there was no session\n")


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
