"""``coroner merge``: make groups a part of another one."""

from __future__ import annotations

import argparse

from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.group_lines import short
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit

NAME = "merge"
HELP = "make groups a part of another one"
DESCRIPTION = """\
Makes the groups SOURCE a part of the group TARGET: their faults, and those that will
come, belong to it, and its state counts. Comments and tickets are seen with it. Nothing
is lost: `coroner unmerge` brings each back with its own state, and the counts it has by
then. Ids can be shortened; `coroner similar` proposes what to merge.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``merge``."""
    add_project(parser)
    parser.add_argument("target", metavar="TARGET", help="the group that stays")
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="+", help="groups that become part of it"
    )
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="why; it stays in the history"
    )


def run(arguments: argparse.Namespace) -> int:
    """Merge them."""
    from coresnap.store.api.group_changes import MERGE_GROUPS, Merge

    sources = tuple(source.lower() for source in arguments.sources)
    with client_of(arguments) as client:
        group = client.call(
            MERGE_GROUPS, Merge(sources, arguments.reason), group=arguments.target
        )
    if arguments.json:
        emit_json(group)
    else:
        emit(
            f"group {short(group.id)} has {group.count} faults of "
            f"{len(group.merged) + 1} groups\n"
        )
    return 0
