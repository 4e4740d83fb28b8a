"""The words that say which store and project a command speaks with."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from coresnap.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from coresnap.config.store_config import StoreConfig
    from coresnap.store.client.client import Client

__all__ = ["add_arguments", "add_project", "client_of", "config_of"]

NEEDED = "pip install 'coresnap[client]'"


def add_project(parser: argparse.ArgumentParser) -> None:
    """Declare the project, and what ``add_arguments`` declares."""
    parser.add_argument(
        "project",
        metavar="PROJECT",
        help="the project, or UNIVERSE/PROJECT",
    )
    add_arguments(parser)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the token and the form of the answer."""
    parser.add_argument(
        "--token",
        metavar="NAME",
        default="",
        help="use this token of coroner.cf (default: the session of `coroner login`, "
        "else the token with the project's name, else the only one)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON; errors too")


def config_of(arguments: argparse.Namespace) -> StoreConfig:
    """Read coroner.cf; say so if others can read its tokens. Raises as reading does."""
    from coresnap.config.store_reading import load_store_config
    from coresnap.views.cli.output import complain

    config = load_store_config(arguments.config)
    if config.is_exposed and sys.stderr.isatty():
        remedy = f"chmod o= {config.source}"
        complain("everybody on this machine can read its tokens", remedy, "coroner")
    return config


def client_of(
    arguments: argparse.Namespace, *, token: str = "", verify: bool = True
) -> Client:
    """Return a client of the project that ``arguments`` name.

    ``token`` is a name or a token; without one it is chosen as the help says. Raises
    ConfigError if there is none.
    """
    try:
        from coresnap.store.client.client import open_client
    except ImportError as error:
        raise ConfigError(
            f"the client's libraries are not installed: {error.name}", remedy=NEEDED
        ) from error
    config = config_of(arguments)
    name: str = getattr(arguments, "project", "") or ""
    universe, slash, project = name.rpartition("/")
    if slash and not (universe and project):
        raise UsageError(f"{name!r} is neither PROJECT nor UNIVERSE/PROJECT")
    token = token or arguments.token or _chosen(config, universe, project)
    return open_client(config, project, token, universe=universe or None, verify=verify)


def _chosen(config: StoreConfig, universe: str, project: str) -> str:
    from coresnap.views.cli.coroner.sessions import session_token

    session = session_token(config, universe or config.universe)
    if session is not None:
        return session
    if project in config.tokens:
        return project
    if len(config.tokens) == 1:
        return next(iter(config.tokens))
    known = ", ".join(sorted(config.tokens)) or "none"
    raise ConfigError(
        f"no token is named {project or 'on the command line'}",
        remedy=f"Give --token NAME ({known}), or begin a session with `coroner login`.",
    )
