"""``coroner set``: change state, assignee, tags and tickets of groups."""

from __future__ import annotations

import argparse
import sys

from coresnap.errors import UsageError
from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.change_words import WORDS, change_of, is_change
from coresnap.views.cli.coroner.query_options import add_filters, filter_of
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit

NAME = "set"
HELP = "change state, assignee, tags and tickets of groups"
DESCRIPTION = f"""\
Changes groups: those that are named by their ids, the starts of them, or all that have
faults which the options choose. What is changed is written as

{WORDS}
A resolved group opens again when a later version than those that had the fault has it;
where there are no versions, when it crashes again. A muted one needs an end. Who
changed what, and why, stays in its history (`coroner group`).

  coroner set blackhole 4f1c9a assignee=kim
  coroner set blackhole 4f1c9a state=resolved until-version=1.2.4
  coroner set blackhole --filter=application=simple state=muted until-time=2w
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``set``."""
    add_project(parser)
    parser.add_argument(
        "words",
        metavar="GROUP|CHANGE",
        nargs="+",
        help="ids of groups, or their starts, and changes",
    )
    add_filters(parser)
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="why; it stays in the history"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say which groups it would be"
    )
    parser.add_argument(
        "-y", "--yes", action="store_true", help="do not ask before several are changed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Change the groups."""
    import msgspec

    from coresnap.store.api.group_changes import CHANGE_GROUPS
    from coresnap.store.query.query import AllOf

    groups = [word for word in arguments.words if not is_change(word)]
    changes = [word for word in arguments.words if is_change(word)]
    chosen = filter_of(arguments)
    if bool(groups) == (chosen != AllOf()):
        raise UsageError(
            "either ids or a filter say which groups",
            remedy=f"`coroner list {arguments.project}` shows ids.",
        )
    if not changes:
        raise UsageError("nothing is to be changed", remedy="As in state=resolved.")
    change = change_of(
        changes,
        groups=[group.lower() for group in groups],
        filter=chosen if not groups else None,
        reason=arguments.reason,
        dry_run=True,
    )
    with client_of(arguments) as client:
        answer = client.call(CHANGE_GROUPS, change)
        if not arguments.dry_run:
            if len(answer.groups) > 1 and not arguments.yes:
                _ask(answer.groups)
            # Those that were counted, whatever has come since.
            change = msgspec.structs.replace(
                change, groups=answer.groups, filter=None, dry_run=False
            )
            if answer.groups:
                answer = client.call(CHANGE_GROUPS, change)
    if arguments.json:
        emit_json(answer)
    elif arguments.dry_run:
        emit("".join(f"{group}\n" for group in answer.groups))
    else:
        emit(f"{answer.changed} of {len(answer.groups)} groups changed\n")
    return 0


def _ask(groups: tuple[str, ...]) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{len(groups)} groups would be changed", remedy="Give --yes.")
    sys.stderr.write(f"Change {len(groups)} groups? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("nothing was changed")
