"""``coroner similar``: groups whose stacks are near."""

from __future__ import annotations

import argparse

from coresnap.errors import UsageError
from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.group_lines import similar_lines
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit

NAME = "similar"
HELP = "list the groups whose stacks are near one's"
DESCRIPTION = """\
Ranks the groups of the project by how near their stacks are to GROUP's: 0 is the same
stack, 1 one without a common frame. A frame weighs less the further out it stands and
the more stacks have it. Groups are only proposed so: `coroner merge` merges them.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``similar``."""
    add_project(parser)
    parser.add_argument("group", metavar="GROUP", help="its id, or the start of it")
    parser.add_argument(
        "--distance",
        metavar="D",
        type=float,
        default=0.45,
        help="the greatest distance, 0.01 to 1 (default 0.45)",
    )
    parser.add_argument(
        "--limit", metavar="N", type=int, default=20, help="how many (default 20)"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="print below each how its frames stand to those of GROUP",
    )


def run(arguments: argparse.Namespace) -> int:
    """Rank them."""
    from coresnap.store.api.group_comparisons import SIMILAR_GROUPS

    if not 0.01 <= arguments.distance <= 1:
        raise UsageError("a distance is 0.01 to 1")
    parameters: dict[str, str | int | bool] = {
        "limit": arguments.limit,
        "percent": round(100 * arguments.distance),
    }
    with client_of(arguments) as client:
        found = client.call(
            SIMILAR_GROUPS, parameters=parameters, group=arguments.group
        )
    if arguments.json:
        emit_json(found)
    else:
        lines = similar_lines(found, explain=arguments.explain)
        emit("".join(f"{line}\n" for line in lines))
    return 0
