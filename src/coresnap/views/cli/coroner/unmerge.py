"""``coroner unmerge``: let merged groups be on their own again."""

from __future__ import annotations

import argparse

from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.group_lines import short
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit

NAME = "unmerge"
HELP = "let groups that were merged be on their own again"
DESCRIPTION = """\
Lets the groups MEMBER, which were merged into GROUP, be on their own again, with the
state, comments and history that each had; all of them if none is named. Faults that
came since then go with the group that their fingerprints made. `coroner group` shows
what was merged.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``unmerge``."""
    add_project(parser)
    parser.add_argument("group", metavar="GROUP", help="the group that they leave")
    parser.add_argument(
        "members",
        metavar="MEMBER",
        nargs="*",
        help="groups that leave; all without any",
    )
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="why; it stays in the history"
    )


def run(arguments: argparse.Namespace) -> int:
    """Part them."""
    from coresnap.store.api.group_changes import UNMERGE_GROUP, Unmerge

    members = tuple(member.lower() for member in arguments.members)
    with client_of(arguments) as client:
        group = client.call(
            UNMERGE_GROUP, Unmerge(members, arguments.reason), group=arguments.group
        )
    if arguments.json:
        emit_json(group)
    else:
        left = f", and {len(group.merged)} merged groups" if group.merged else ""
        emit(f"group {short(group.id)} keeps {group.count} faults{left}\n")
    return 0
