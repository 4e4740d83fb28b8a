"""``coroner token``: make, list and revoke tokens."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from coresnap.errors import MissingError, UsageError
from coresnap.views.cli.coroner import store_options
from coresnap.views.cli.coroner.answer import day, emit_json, emit_table
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from coresnap.store.api.tokens import CreatedToken, NewToken, TokenList

T = TypeVar("T")

NAME = "token"
HELP = "make, list and revoke tokens"
DESCRIPTION = """\
A token is what a program shows to the server. It allows what its capabilities say, in
one project or in all of the universe:

  post      send snapshots, and nothing else: what every host needs
  query     ask, read snapshots, change the state of groups
  symbols   send symbol files
  admin     everything, tokens and users among it

A new token is printed once, as a line for section [token] of coroner.cf; the server
keeps a digest of it. A revoked one is refused from now on.

  coroner token create blackhole --capability post --project blackhole
  coroner token list
  coroner token revoke blackhole

With --data it works on the store itself while no server runs on it: that is how a
token is made when the last one of an administrator is lost.
"""

_CAPABILITIES = ("post", "query", "symbols", "admin")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``token``."""
    parser.add_argument(
        "action",
        metavar="ACTION",
        choices=("create", "list", "revoke"),
        help="create, list or revoke",
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="of the token; to revoke also its id"
    )
    parser.add_argument(
        "--capability",
        metavar="WHAT",
        action="append",
        choices=_CAPABILITIES,
        help="what it allows: post, query, symbols or admin; several times",
    )
    parser.add_argument(
        "--project",
        metavar="PROJECT",
        dest="only",
        help="the only project that it is good for (default: all)",
    )
    parser.add_argument(
        "--expires", metavar="AGE", help="when it ends: 90d, 12h (default: never)"
    )
    parser.add_argument(
        "--value",
        metavar="FILE",
        type=Path,
        help="take the 64 hex digits in FILE instead of new ones",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="work on the store in DIR, while no server runs on it",
    )
    parser.add_argument(
        "--universe",
        metavar="NAME",
        default="default",
        help="its universe, with --data",
    )
    store_options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do the action."""
    if arguments.action == "list":
        _list(arguments)
    elif arguments.name is None:
        raise UsageError(f"`coroner token {arguments.action}` needs a name")
    elif arguments.action == "create":
        _create(arguments)
    else:
        _revoke(arguments)
    return 0


def _create(arguments: argparse.Namespace) -> None:
    made = _made(arguments, _wanted(arguments))
    if arguments.json:
        emit_json(made)
    else:
        emit(f"[token]\n{made.description.name} = {made.token}\n")


def _wanted(arguments: argparse.Namespace) -> NewToken:
    from coresnap.config.quantities import parse_duration
    from coresnap.config.reading import read_text
    from coresnap.store.api.endpoint import Capability
    from coresnap.store.api.tokens import NewToken

    if not arguments.capability:
        raise UsageError(
            "a token without a capability allows nothing",
            remedy="Give --capability post, query, symbols or admin.",
        )
    expires = None
    if arguments.expires is not None:
        try:
            expires = int(time.time()) + parse_duration(arguments.expires)
        except ValueError as error:
            raise UsageError(f"--expires: {arguments.expires!r} {error}") from error
    value = arguments.value
    return NewToken(
        name=arguments.name,
        capabilities=tuple(Capability(word) for word in arguments.capability),
        project=arguments.only,
        expires=expires,
        token=read_text(value).strip() if value is not None else None,
    )


def _made(arguments: argparse.Namespace, wanted: NewToken) -> CreatedToken:
    if arguments.data is not None:
        from coresnap.store.access.tokens import create_token

        universe = arguments.universe
        return _offline(
            arguments, lambda c: create_token(c, universe, wanted, "--data")
        )
    from coresnap.store.api.tokens import CREATE_TOKEN

    with store_options.client_of(arguments) as client:
        return client.call(CREATE_TOKEN, wanted)


def _list(arguments: argparse.Namespace) -> None:
    found = _tokens(arguments)
    if arguments.json:
        emit_json(found)
        return
    rows = [
        (
            str(token.id),
            token.name,
            " ".join(token.capabilities),
            token.project or "all",
            day(token.expires, "never"),
            day(token.used, "never"),
        )
        for token in found.tokens
    ]
    emit_table(("ID", "NAME", "CAPABILITIES", "PROJECT", "EXPIRES", "USED"), rows)


def _tokens(arguments: argparse.Namespace) -> TokenList:
    from coresnap.store.api.tokens import LIST_TOKENS, TokenList

    if arguments.data is not None:
        from coresnap.store.access.tokens import list_tokens

        return TokenList(
            _offline(arguments, lambda c: list_tokens(c, arguments.universe))
        )
    with store_options.client_of(arguments) as client:
        return client.call(LIST_TOKENS)


def _revoke(arguments: argparse.Namespace) -> None:
    named = [
        token
        for token in _tokens(arguments).tokens
        if arguments.name in (token.name, str(token.id))
    ]
    if not named:
        raise MissingError(
            f"there is no token {arguments.name!r}",
            remedy="`coroner token list` lists them.",
        )
    (token, *_) = named
    if arguments.data is not None:
        from coresnap.store.access.tokens import revoke_token

        _offline(arguments, lambda c: revoke_token(c, arguments.universe, token.id))
        return
    from coresnap.store.api.tokens import REVOKE_TOKEN

    with store_options.client_of(arguments) as client:
        client.call(REVOKE_TOKEN, token=str(token.id))


def _offline(arguments: argparse.Namespace, work: Callable[[Connection], T]) -> T:
    """Do ``work`` in a transaction on the store's state, as long as nobody owns it."""
    from coresnap.config.server_reading import load_server_config
    from coresnap.store.server.starting import open_configured

    config = load_server_config(None, {"data": arguments.data})
    is_elsewhere = bool(config.store_database)
    if not (is_elsewhere or (arguments.data / "state.sqlite").exists()):
        raise MissingError(
            f"there is no store in {arguments.data}",
            remedy="`coroner serve --data DIR` makes one.",
        )
    with open_configured(config) as store:
        return store.state.transact(work)
