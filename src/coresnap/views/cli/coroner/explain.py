"""``coroner explain``: why do these faults form a group?"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import MissingError
from coresnap.views.cli import rule_options
from coresnap.views.cli.coroner.store_options import add_project, client_of

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

NAME = "explain"
HELP = "say which frames made a group's fingerprint, and which rules dropped others"
DESCRIPTION = """\
Fetches the latest snapshot of a group, makes its fingerprint again and prints what each
rule did to each frame, as `coresnap explain` does for a file. With --rules it shows
what rules of one's own would change; `coroner reprocess` puts them into use.
"""

_TRIED = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``explain``."""
    add_project(parser)
    parser.add_argument("group", metavar="GROUP", help="its id, or the start of it")
    rule_options.add_arguments(parser, "--rules")


def run(arguments: argparse.Namespace) -> int:
    """Fetch a snapshot of the group, and explain it."""
    from coresnap.views.cli.explain import run as explain

    with tempfile.TemporaryDirectory(prefix="coroner.") as directory:
        path = Path(directory, "fault.csnap")
        with client_of(arguments) as client:
            _fetch(client, arguments.group, path)
        return explain(
            argparse.Namespace(
                snapshot=str(path),
                config=None,
                rules=arguments.rules,
                json=arguments.json,
            )
        )


def _fetch(client: Client, text: str, path: Path) -> None:
    """Write the group's latest snapshot that is still there to ``path``."""
    from coresnap.store.api.faults import GET_FAULT
    from coresnap.store.api.groups import GET_GROUP
    from coresnap.store.api.queries import QUERY
    from coresnap.store.query.query import Condition, Operator, Query

    group = client.call(GET_GROUP, group=text).id
    of_group = Condition("group", Operator.EQUAL, group)
    query = Query(filter=of_group, select=("object",), limit=_TRIED)
    for row in client.call(QUERY, query).rows:
        try:
            with path.open("wb") as target:
                client.download(GET_FAULT, target, object=str(row.values[0]))
            return
        except MissingError:
            continue  # sampling or retention did not keep it
    raise MissingError(
        f"of group {group[:16]} no snapshot is kept among the latest {_TRIED} faults",
        remedy="Its stack is what `coroner group` shows.",
    )
