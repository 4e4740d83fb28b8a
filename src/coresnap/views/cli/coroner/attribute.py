"""``coroner attribute``: say what an attribute is, and who may see it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.views.cli.coroner import store_options
from coresnap.views.cli.coroner.answer import day, emit_json, emit_table
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

NAME = "attribute"
HELP = "say what an attribute is, and who may see it"
DESCRIPTION = """\
Attributes are discovered when a fault first has them. Their format is guessed by the
first value, and given up if another one does not fit; here it is set for good.
`coroner describe` lists them.

  set PROJECT NAME  change the kind, format, unit, description or protection
  status PROJECT    what was left out of the index and why, and which kinds widened

A kind can only be widened (integer, number, text or labels), so that no value is lost.
A protected attribute is not shown to guests.

  coroner attribute set blackhole cache.used --format bytes --unit bytes
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``attribute``."""
    parser.add_argument(
        "action", metavar="ACTION", choices=tuple(_ACTIONS), help="set or status"
    )
    store_options.add_project(parser)
    parser.add_argument("name", metavar="NAME", nargs="?", help="of the attribute")
    parser.add_argument("--kind", metavar="KIND", help="integer, number, text, labels")
    parser.add_argument(
        "--format", metavar="FORMAT", help="bytes, seconds, timestamp, semver, uuid, …"
    )
    parser.add_argument("--unit", metavar="UNIT", help="such as bytes; '' for none")
    parser.add_argument("--description", metavar="TEXT", help="what it means")
    protection = parser.add_mutually_exclusive_group()
    protection.add_argument(
        "--protected",
        dest="is_protected",
        action="store_true",
        default=None,
        help="do not show it to guests",
    )
    protection.add_argument(
        "--public",
        dest="is_protected",
        action="store_false",
        help="show it to everybody who may query",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do the action."""
    with store_options.client_of(arguments) as client:
        _ACTIONS[arguments.action](client, arguments)
    return 0


def _set(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.attributes import SET_ATTRIBUTE, AttributeChange

    change = AttributeChange(
        arguments.kind,
        arguments.format,
        arguments.unit,
        arguments.description,
        arguments.is_protected,
    )
    if arguments.name is None or change == AttributeChange():
        raise UsageError(
            "`coroner attribute set` needs an attribute and what to set",
            remedy="For example: coroner attribute set PROJECT cache.used "
            "--format bytes",
        )
    found = client.call(SET_ATTRIBUTE, change, name=arguments.name)
    if arguments.json:
        emit_json(found)


def _status(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.attributes import ATTRIBUTE_STATUS

    found = client.call(ATTRIBUTE_STATUS)
    if arguments.json:
        emit_json(found)
        return
    emit(f"{found.discovered} attributes were discovered, of {found.most} at most\n")
    if found.lost:
        emit("\nleft out of the index, or cut:\n")
        rows = [
            (loss.reason, str(loss.count), day(loss.last, ""), loss.name)
            for loss in found.lost
        ]
        emit_table(("REASON", "VALUES", "LAST", "SUCH AS"), rows)
    if found.widened:
        emit("\nkinds that were widened:\n")
        widened = [
            (one.name, one.narrow_kind, one.kind, day(one.last, ""))
            for one in found.widened
        ]
        emit_table(("ATTRIBUTE", "WAS", "IS", "SINCE"), widened)


_ACTIONS: dict[str, Callable[[Client, argparse.Namespace], None]] = {
    "set": _set,
    "status": _status,
}
