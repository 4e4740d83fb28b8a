"""``coroner delete``: remove snapshots, or faults as a whole."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.views.cli.coroner.named_object import find_object
from coresnap.views.cli.coroner.query_options import add_filters, filter_of
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

NAME = "delete"
HELP = "remove snapshots, or faults as a whole"
DESCRIPTION = """\
Removes the snapshots of faults: those with these object ids, or the starts of them, or
all that the options choose. The faults still count, and can be asked about; --all
forgets them as a whole. It needs a token that allows admin.
"""

_PAGE = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``delete``."""
    add_project(parser)
    parser.add_argument(
        "objects", metavar="ID", nargs="*", help="object ids, or their starts"
    )
    add_filters(parser)
    parser.add_argument(
        "--all", action="store_true", help="forget the faults, not only their snapshots"
    )
    parser.add_argument(
        "-y", "--yes", action="store_true", help="do not ask before several are removed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Remove what was named."""
    from coresnap.store.api.faults import DELETE_FAULT
    from coresnap.store.query.query import AllOf

    chosen = filter_of(arguments)
    if bool(arguments.objects) == (chosen != AllOf()):
        raise UsageError(
            "either ids or a filter say what is removed",
            remedy="To remove everything, give a filter that everything passes: "
            "--filter='timestamp>=1970-01-01'",
        )
    with client_of(arguments) as client:
        objects = [find_object(client, name) for name in arguments.objects]
        objects = objects or _objects(client, arguments)
        if len(objects) > 1 and not arguments.yes:
            _ask(len(objects), arguments)
        for object_id in objects:
            client.call(
                DELETE_FAULT, object=object_id, parameters={"all": arguments.all}
            )
    if arguments.json:
        emit(json.dumps({"removed": objects, "all": arguments.all}) + "\n")
    else:
        what = "fault" if arguments.all else "snapshot"
        plural = "" if len(objects) == 1 else "s"
        emit(f"{len(objects)} {what}{plural} removed\n")
    return 0


def _objects(client: Client, arguments: argparse.Namespace) -> list[str]:
    from coresnap.store.api.queries import QUERY
    from coresnap.store.query.query import Query

    found: list[str] = []
    until = None
    while True:
        query = Query(
            filter=filter_of(arguments),
            select=("object",),
            limit=_PAGE,
            offset=len(found),
            until=until,
        )
        result = client.call(QUERY, query)
        until = result.until
        found += [str(row.values[0]) for row in result.rows]
        if len(result.rows) < _PAGE:
            return found


def _ask(count: int, arguments: argparse.Namespace) -> None:
    what = "faults as a whole" if arguments.all else "snapshots"
    if not sys.stdin.isatty():
        raise UsageError(f"{count} {what} would be removed", remedy="Give --yes.")
    sys.stderr.write(f"Remove {count} {what}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was removed")
