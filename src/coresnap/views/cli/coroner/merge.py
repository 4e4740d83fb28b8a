"""``coroner merge``: make groups a part of another one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.group_lines import short
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.store.api.group_rules import GroupRule
    from coresnap.store.api.groups import GroupDetails

NAME = "merge"
HELP = "make groups a part of another one"
DESCRIPTION = """\
Makes the groups SOURCE a part of the group TARGET: their faults, and those that will
come, belong to it, and its state counts. Comments and tickets are seen with it. Nothing
is lost: `coroner unmerge` brings each back with its own state, and the counts it has by
then. Ids can be shortened; `coroner similar` proposes what to merge.

With --rule it prints the rule of fingerprints that would have made one group of them,
if there is one: a file for `coroner reprocess --rules`, which tries it on past faults:

  coroner merge blackhole 4f1c9a --rule >merged.conf
  coroner reprocess blackhole --rules merged.conf
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``merge``."""
    add_project(parser)
    parser.add_argument("target", metavar="TARGET", help="the group that stays")
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="*", help="groups that become part of it"
    )
    parser.add_argument(
        "--rule",
        action="store_true",
        help="print the rule that makes one fingerprint of theirs; without SOURCE of "
        "what was merged before",
    )
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="why; it stays in the history"
    )


def run(arguments: argparse.Namespace) -> int:
    """Merge them, and say which rule would have."""
    from coresnap.store.api.group_changes import MERGE_GROUPS, Merge
    from coresnap.store.api.group_rules import GROUP_RULE

    sources = tuple(source.lower() for source in arguments.sources)
    if not sources and not arguments.rule:
        raise UsageError(
            "nothing is to be merged",
            remedy="Give the groups that become part of TARGET, or --rule.",
        )
    group = None
    with client_of(arguments) as client:
        if sources:
            merge = Merge(sources, arguments.reason)
            group = client.call(MERGE_GROUPS, merge, group=arguments.target)
        if group is not None and arguments.json and not arguments.rule:
            emit_json(group)
            return 0
        rule = client.call(GROUP_RULE, group=arguments.target)
    if arguments.json:
        emit_json(rule)
    elif arguments.rule:
        emit(_as_file(rule, arguments.project))
    elif group is not None:
        emit(_merged(group, rule, arguments.project))
    return 0


def _merged(group: GroupDetails, rule: GroupRule, project: str) -> str:
    said = (
        f"group {short(group.id)} has {group.count} faults of "
        f"{len(group.merged) + 1} groups\n"
    )
    if rule.rule:
        said += (
            "a rule would have made one group of them: "
            f"coroner merge {project} {short(group.id)} --rule\n"
        )
    return said


def _as_file(rule: GroupRule, project: str) -> str:
    about = f"{len(rule.fingerprints)} fingerprints of group {short(rule.group)}"
    if not rule.rule:
        return f"# No rule makes one of {about}: {printable(rule.reason)}\n"
    return (
        f"# Makes one of {about}, by the functions of their stacks.\n"
        f"# Try it on past faults first: coroner reprocess {project} --rules FILE\n"
        f"{rule.rule}"
    )
