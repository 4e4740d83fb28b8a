"""``coresnap report``: a snapshot as one file for people who have no coresnap."""

from __future__ import annotations

import argparse

from coresnap.views.cli import report_options
from coresnap.views.cli.named_snapshot import open_named

NAME = "report"
HELP = "make one file of a snapshot that any browser, mail or ticket takes"
DESCRIPTION = """\
Writes what a snapshot says as one page of HTML with threads, variables, memory and all
else, which needs no network and runs no script; as text; or as Markdown for a ticket.
The snapshot is a file, or named by the start of its id as `coresnap list` shows it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``report``."""
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT|ID", help="a snapshot file, or the start of an id"
    )
    report_options.add_arguments(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print as JSON what was written (needs -o); errors too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the report."""
    from coresnap.snapshot.container import open_snapshot
    from coresnap.views.fault.fault import Fault

    named = open_named(arguments.snapshot, arguments.config)
    with open_snapshot(named) as reader:
        report_options.write_report(Fault.opened(reader), arguments)
    return 0
