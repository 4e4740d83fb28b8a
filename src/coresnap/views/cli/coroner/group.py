"""``coroner group``: one group, or how groups are told apart by version."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.group_lines import (
    group_lines,
    introduced_lines,
    unusual_lines,
)
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.store.api.group_comparisons import Unusual
    from coresnap.store.client.client import Client

NAME = "group"
HELP = "show a group: state, fingerprints, history, comments, what is unusual"
DESCRIPTION = """\
Shows a group: its state and until when, who works on it, its fingerprints with their
stacks, what was merged into it, its history and its comments. GROUP is its id, or the
start of it; `coroner list` shows ids.

--unusual adds what distinguishes its faults from all others: values that are more
frequent here than chance explains. --introduced-by needs no GROUP: it lists the groups
whose first fault had a value, such as a version.

  coroner group blackhole 4f1c9a
  coroner group blackhole 4f1c9a --unusual
  coroner group blackhole 4f1c9a --comment 'only with the new driver'
  coroner group blackhole --introduced-by version=1.2.3
  coroner group blackhole --versions package.version --scheme dpkg
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``group``."""
    add_project(parser)
    parser.add_argument(
        "group", metavar="GROUP", nargs="?", help="its id, or the start"
    )
    parser.add_argument(
        "--unusual", action="store_true", help="add what is unusual in its faults"
    )
    parser.add_argument(
        "--same-application",
        action="store_true",
        help="for --unusual: compare with faults of its application alone",
    )
    parser.add_argument(
        "--comment", metavar="TEXT", help="write a comment, and show it"
    )
    parser.add_argument(
        "--introduced-by",
        metavar="ATTRIBUTE=VALUE",
        help="list the groups whose first fault had this value",
    )
    parser.add_argument(
        "--versions",
        metavar="ATTRIBUTE",
        action="append",
        help="the first of these attributes that a fault has is its version "
        "(repeatable; needs admin)",
    )
    parser.add_argument(
        "--scheme",
        choices=("semver", "dpkg", "rpm", "number"),
        help="how versions are ordered (needs admin)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Show the group."""
    is_setting = arguments.versions is not None or arguments.scheme is not None
    if is_setting or arguments.introduced_by is not None:
        if arguments.group is not None or (is_setting and arguments.introduced_by):
            raise UsageError(
                "one thing at a time",
                remedy="GROUP, --introduced-by, or --versions and --scheme.",
            )
        return _set_versions(arguments) if is_setting else _introduced(arguments)
    if arguments.group is None:
        raise UsageError(
            "which group?", remedy=f"`coroner list {arguments.project}` shows ids."
        )
    return _show(arguments)


def _show(arguments: argparse.Namespace) -> int:
    from coresnap.store.api.groups import COMMENT_GROUP, GET_GROUP, NewComment

    with client_of(arguments) as client:
        if arguments.comment is not None:
            new = NewComment(arguments.comment)
            client.call(COMMENT_GROUP, new, group=arguments.group)
        if arguments.unusual and arguments.json:
            emit_json(_unusual(client, arguments))
            return 0
        group = client.call(GET_GROUP, group=arguments.group)
        lines = list(group_lines(group))
        if arguments.unusual:
            lines += ["", *unusual_lines(_unusual(client, arguments))]
    if arguments.json:
        emit_json(group)
    else:
        emit("".join(f"{line}\n" for line in lines))
    return 0


def _unusual(client: Client, arguments: argparse.Namespace) -> Unusual:
    from coresnap.store.api.group_comparisons import UNUSUAL

    parameters: dict[str, str | int | bool] = {
        "same_application": arguments.same_application
    }
    return client.call(UNUSUAL, parameters=parameters, group=arguments.group)


def _introduced(arguments: argparse.Namespace) -> int:
    from coresnap.store.api.group_comparisons import INTRODUCED

    attribute, sign, value = arguments.introduced_by.partition("=")
    if not (attribute and sign and value):
        raise UsageError(
            f"{arguments.introduced_by!r} is no ATTRIBUTE=VALUE",
            remedy="As in --introduced-by version=1.2.3",
        )
    parameters: dict[str, str | int | bool] = {"attribute": attribute, "value": value}
    with client_of(arguments) as client:
        found = client.call(INTRODUCED, parameters=parameters)
    if arguments.json:
        emit_json(found)
    else:
        emit("".join(f"{line}\n" for line in introduced_lines(found.groups)))
    return 0


def _set_versions(arguments: argparse.Namespace) -> int:
    import msgspec

    from coresnap.store.api.group_settings import GET_GROUP_SETTINGS, SET_GROUP_SETTINGS

    changes: dict[str, object] = {}
    if arguments.versions is not None:
        changes["version_attributes"] = tuple(arguments.versions)
    if arguments.scheme is not None:
        changes["scheme"] = arguments.scheme
    with client_of(arguments) as client:
        before = client.call(GET_GROUP_SETTINGS)
        after = msgspec.structs.replace(before, **changes)
        settings = client.call(SET_GROUP_SETTINGS, after)
    if arguments.json:
        emit_json(settings)
    else:
        names = ", ".join(settings.version_attributes)
        emit(f"versions are in {names}, ordered by {settings.scheme}\n")
    return 0
