"""``coroner summary``: the projects and what is in them."""

from __future__ import annotations

import argparse
import json
import time

from coresnap.snapshot.duration import duration
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.store_options import add_arguments, client_of
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

NAME = "summary"
HELP = "list the projects and what is in them"
DESCRIPTION = """\
Lists the projects that the token may see: how many faults and groups they have, what
the kept snapshots take, and how long ago the last fault came.
"""

__all__ = ["DESCRIPTION", "HELP", "NAME", "add_arguments", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Print the projects."""
    from coresnap.store.api.projects import LIST_PROJECTS

    with client_of(arguments) as client:
        projects = client.call(LIST_PROJECTS).projects
    if arguments.json:
        import msgspec

        emit(json.dumps(msgspec.to_builtins(projects), indent=2) + "\n")
        return 0
    now = time.time()
    width = max((len(project.name) for project in projects), default=7)
    emit(f"{'PROJECT':<{width}} {'FAULTS':>12} {'GROUPS':>8} {'SIZE':>10}  ACTIVITY\n")
    for one in projects:
        activity = "never" if one.last is None else f"{_ago(now - one.last)} ago"
        emit(
            f"{printable(one.name):<{width}} {one.faults:>12} {one.groups:>8} "
            f"{decimal_size(one.size):>10}  {activity}\n"
        )
    return 0


def _ago(seconds: float) -> str:
    days = int(seconds // 86400)
    return f"{days} d" if days else duration(max(seconds, 1))
