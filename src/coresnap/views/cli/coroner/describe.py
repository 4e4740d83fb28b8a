"""``coroner describe``: which attributes there are to ask for."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import complain, emit

if TYPE_CHECKING:
    from coresnap.store.api.queries import DescribedAttribute

NAME = "describe"
HELP = "list the attributes that a project's faults have"
DESCRIPTION = """\
Lists the attributes that can stand in a query: name, kind, format, unit and meaning.
Those of coresnap are known beforehand; others are discovered when a fault has them.

SUBSTRING shows only attributes whose name or meaning contains it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``describe``."""
    add_project(parser)
    parser.add_argument(
        "substring",
        metavar="SUBSTRING",
        nargs="?",
        default="",
        help="only attributes that contain it",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the attributes."""
    from coresnap.store.api.queries import DESCRIBE

    with client_of(arguments) as client:
        found = client.call(DESCRIBE).attributes
    wanted = arguments.substring.lower()
    chosen = [a for a in found if wanted in f"{a.name} {a.description}".lower()]
    if arguments.json:
        import msgspec

        emit(json.dumps(msgspec.to_builtins(chosen), indent=2) + "\n")
    else:
        emit("".join(f"{line}\n" for line in _lines(chosen)))
        if not chosen:
            complain(f"no attribute's name or meaning contains {wanted}", "", "coroner")
    return 0


def _lines(attributes: list[DescribedAttribute]) -> list[str]:
    width = max((len(printable(a.name)) for a in attributes), default=0)
    return [
        f"{printable(a.name):<{min(width, 40)}}  {a.kind:<7}  {_format(a):<22}  "
        f"{_meaning(a)}".rstrip()
        for a in attributes
    ]


def _format(attribute: DescribedAttribute) -> str:
    words = [w for w in (attribute.format, attribute.unit) if w and w != "none"]
    return printable(" ".join(dict.fromkeys(words)))


def _meaning(attribute: DescribedAttribute) -> str:
    marks = [] if attribute.is_known else ["discovered"]
    marks += ["protected"] if attribute.is_protected else []
    text = printable(attribute.description)
    return f"{text} ({', '.join(marks)})".strip() if marks else text
