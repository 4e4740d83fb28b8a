"""``coroner user``: people who log in, and what they may do."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.views.cli.coroner import store_options
from coresnap.views.cli.coroner.answer import day, emit_json, emit_table

if TYPE_CHECKING:
    from coresnap.store.api.users import GivenRole, Role, User
    from coresnap.store.client.client import Client

NAME = "user"
HELP = "make users, and say what they may do"
DESCRIPTION = """\
A user logs in with a password (`coroner login`) and has a role in a project, or in all
projects of the universe that give no other:

  guest    asks; sees no protected attributes and no snapshots, changes nothing
  member   asks, reads snapshots, works on groups, sends snapshots and symbols
  admin    everything

The password is asked for, or read from a file. A new password ends all sessions.

  coroner user create ann --role member
  coroner user role ann admin --project blackhole
  coroner user role ann none
"""

_ACTIONS = ("create", "list", "role", "password", "remove")
_ROLES = ("guest", "member", "admin")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``user``."""
    parser.add_argument(
        "action",
        metavar="ACTION",
        choices=_ACTIONS,
        help="create, list, role, password or remove",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="of the user")
    parser.add_argument(
        "role", metavar="ROLE", nargs="?", help="for `role`: guest, member, admin, none"
    )
    parser.add_argument(
        "--role",
        metavar="ROLE",
        dest="first_role",
        choices=_ROLES,
        default="member",
        help="role of a new user (default: member)",
    )
    parser.add_argument(
        "--project",
        metavar="PROJECT",
        dest="only",
        help="where the role holds (default: in the universe)",
    )
    parser.add_argument(
        "--password-file", metavar="FILE", type=Path, help="read the password from FILE"
    )
    store_options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do the action."""
    if arguments.action != "list" and arguments.name is None:
        raise UsageError(f"`coroner user {arguments.action}` needs a name")
    with store_options.client_of(arguments) as client:
        _DO[arguments.action](arguments, client)
    return 0


def _create(arguments: argparse.Namespace, client: Client) -> None:
    from coresnap.store.api.users import CREATE_USER, NewUser, Role

    wanted = NewUser(
        name=arguments.name,
        password=_password(arguments),
        role=Role(arguments.first_role),
        project=arguments.only,
    )
    _emit_user(arguments, client.call(CREATE_USER, wanted))


def _list(arguments: argparse.Namespace, client: Client) -> None:
    from coresnap.store.api.users import LIST_USERS

    found = client.call(LIST_USERS)
    if arguments.json:
        emit_json(found)
        return
    rows = [
        (user.name, day(user.created, "?"), ", ".join(map(_words, user.roles)))
        for user in found.users
    ]
    emit_table(("USER", "SINCE", "ROLES"), rows)


def _role(arguments: argparse.Namespace, client: Client) -> None:
    from coresnap.store.api.users import SET_ROLE, GivenRole, Role

    word = arguments.role
    if word not in (*_ROLES, "none"):
        raise UsageError(
            "which role?", remedy="guest, member or admin; none takes it away."
        )
    role: Role | None = None if word == "none" else Role(word)
    given = GivenRole(role, arguments.only)
    _emit_user(arguments, client.call(SET_ROLE, given, user=arguments.name))


def _set_password(arguments: argparse.Namespace, client: Client) -> None:
    from coresnap.store.api.users import SET_PASSWORD, NewPassword

    wanted = NewPassword(_password(arguments))
    client.call(SET_PASSWORD, wanted, user=arguments.name)


def _remove(arguments: argparse.Namespace, client: Client) -> None:
    from coresnap.store.api.users import REMOVE_USER

    client.call(REMOVE_USER, user=arguments.name)


_DO = {
    "create": _create,
    "list": _list,
    "role": _role,
    "password": _set_password,
    "remove": _remove,
}


def _password(arguments: argparse.Namespace) -> str:
    if arguments.password_file is not None:
        from coresnap.config.reading import read_text

        return read_text(arguments.password_file).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError(
            "a password is asked for, and there is no terminal",
            remedy="Give --password-file FILE.",
        )
    import getpass

    first = getpass.getpass("New password: ")
    if getpass.getpass("The same again: ") != first:
        raise UsageError("these were two passwords")
    return first


def _emit_user(arguments: argparse.Namespace, user: User) -> None:
    if arguments.json:
        emit_json(user)


def _words(given: GivenRole) -> str:
    return f"{given.role} in {given.project}" if given.project else str(given.role)
