"""``coroner project``: make and list projects, and limit what they take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.views.cli.coroner import store_options
from coresnap.views.cli.coroner.answer import day, emit_json, emit_table
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.store.api.projects import Limits

NAME = "project"
HELP = "make and list projects, and limit what they take"
DESCRIPTION = """\
Faults, tokens and rules belong to a project. `create` makes one in the token's
universe, `list` shows them, `limits` shows what one took today and what it may take in
a day; with --faults or --size it sets that, `none` takes a limit away.

  coroner project create blackhole
  coroner project limits blackhole --faults 100000 --size 20GiB
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``project``."""
    parser.add_argument(
        "action",
        metavar="ACTION",
        choices=("create", "list", "limits"),
        help="create, list or limits",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="of the project")
    parser.add_argument(
        "--faults", metavar="COUNT", help="faults that it takes in a day, or none"
    )
    parser.add_argument(
        "--size", metavar="SIZE", help="bytes that it takes in a day, or none"
    )
    store_options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do the action."""
    if arguments.action == "list":
        _list(arguments)
    elif arguments.name is None:
        raise UsageError(f"`coroner project {arguments.action}` needs a name")
    elif arguments.action == "create":
        _create(arguments)
    else:
        _limits(arguments)
    return 0


def _create(arguments: argparse.Namespace) -> None:
    from coresnap.store.api.projects import CREATE_PROJECT, NewProject

    with store_options.client_of(arguments) as client:
        made = client.call(CREATE_PROJECT, NewProject(arguments.name))
    if arguments.json:
        emit_json(made)


def _list(arguments: argparse.Namespace) -> None:
    from coresnap.store.api.projects import LIST_PROJECTS

    with store_options.client_of(arguments) as client:
        found = client.call(LIST_PROJECTS)
    if arguments.json:
        emit_json(found)
        return
    rows = [
        (
            project.name,
            str(project.faults),
            str(project.groups),
            decimal_size(project.size),
            day(project.last, "never"),
        )
        for project in found.projects
    ]
    emit_table(("PROJECT", "FAULTS", "GROUPS", "SIZE", "LAST"), rows)


def _limits(arguments: argparse.Namespace) -> None:
    from coresnap.store.api.projects import GET_LIMITS, SET_LIMITS

    arguments.project = arguments.name
    with store_options.client_of(arguments) as client:
        usage = client.call(GET_LIMITS)
        wanted = _wanted(arguments, usage.limits)
        if wanted != usage.limits:
            usage = client.call(SET_LIMITS, wanted)
    if arguments.json:
        emit_json(usage)
        return
    faults, size = usage.limits.faults, usage.limits.size
    emit(f"faults today  {usage.faults} of {'any' if faults is None else faults}\n")
    limit = "any" if size is None else decimal_size(size)
    emit(f"bytes today   {decimal_size(usage.size)} of {limit}\n")


def _wanted(arguments: argparse.Namespace, limits: Limits) -> Limits:
    import msgspec

    from coresnap.config.quantities import parse_number, parse_size_or_none

    changes: dict[str, int | None] = {}
    try:
        if arguments.faults is not None:
            is_none = arguments.faults == "none"
            changes["faults"] = None if is_none else parse_number(arguments.faults)
        if arguments.size is not None:
            changes["size"] = parse_size_or_none(arguments.size)
    except ValueError as error:
        raise UsageError(f"the limit {error}") from error
    return msgspec.structs.replace(limits, **changes)
