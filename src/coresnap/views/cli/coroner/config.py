"""``coroner config``: which store is spoken with, and where that is said."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.store_options import config_of
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.config.store_config import StoreConfig

NAME = "config"
HELP = "say what coroner.cf makes hold, and from where"
DESCRIPTION = """\
Reads coroner.cf as every command does and prints what holds: the settings of the store
with the line that gives each, the names of the tokens, the watched directories, and the
defaults of commands. Tokens themselves are not printed, and the store is not asked.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``config``."""
    parser.add_argument("--json", action="store_true", help="print JSON; errors too")


def run(arguments: argparse.Namespace) -> int:
    """Print what holds."""
    config = config_of(arguments)
    if arguments.json:
        emit(json.dumps(_record(config), indent=2) + "\n")
    else:
        emit("".join(f"{printable(line)}\n" for line in _lines(config)))
    return 0


def _settings(config: StoreConfig) -> dict[str, str]:
    values = {
        "name": config.universe,
        "write": config.write,
        "read": config.read,
        "ssl.ca": str(config.authority or ""),
        "ssl.certificate": str(config.certificate or ""),
        "ssl.key": str(config.key or ""),
    }
    return {name: value for name, value in values.items() if value}


def _record(config: StoreConfig) -> dict[str, object]:
    return {
        "source": str(config.source),
        "universe": {
            name: {"value": value, "line": config.lines.get(name)}
            for name, value in _settings(config).items()
        },
        "verify": config.verify,
        "exposed": config.is_exposed,
        "tokens": sorted(config.tokens),
        "daemon": [
            {"project": at.project, "root": str(at.root), "token": at.token}
            for at in config.watched
        ],
        "default": {name: dict(words) for name, words in config.defaults.items()},
    }


def _lines(config: StoreConfig) -> Iterator[str]:
    yield f"File: {config.source}"
    if config.is_exposed:
        yield "  everybody on this machine can read its tokens"
    yield "Store:"
    for name, value in _settings(config).items():
        line = config.lines.get(name)
        yield f"  {name} = {value}  ({f'line {line}' if line else 'default'})"
    yield f"  {_trust(config)}"
    yield f"Tokens: {', '.join(sorted(config.tokens)) or 'none'}"
    for at in config.watched:
        yield f"Watched: {at.root} for {at.project} with the token {at.token}"
    for command, words in config.defaults.items():
        for option, value in words.items():
            yield f"Default: {command}.{option} = {value}"


def _trust(config: StoreConfig) -> str:
    if not (config.write.startswith("https:") and config.read.startswith("https:")):
        return "NOT encrypted: everybody on the way can read tokens and snapshots"
    if not config.verify:
        return "the server's certificate is NOT verified: anybody can be the store"
    return "the server's certificate is verified"
