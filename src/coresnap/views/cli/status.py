"""``coresnap status``: who gets the crashes, and how far each has come."""

from __future__ import annotations

import argparse
import json

from coresnap.snapshot.escape import without_surrogates
from coresnap.views.cli.output import emit

NAME = "status"
HELP = "who gets the crashes, and how far they have come"
DESCRIPTION = """\
Says who gets this machine's crashes and with which settings, whether the daemon runs,
what the spool holds and how much room is left for it, what storms kept out, how many
crashes wait and for how long, what was given up, refused or set aside and why, how much
was kept of the cores and how long crashed processes were held for it, and what the last
worker could take from itself before it read a core. Changes nothing and needs no
rights, but says less without them.

With --check it prints one line for a monitor, which also takes the exit code: 0 all is
well, 1 somebody should look, 2 crashes are being lost or left, 3 not known.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``status``."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument(
        "--check",
        action="store_true",
        help="print one line for Nagios and its like, and exit with 0, 1, 2 or 3",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the status."""
    from coresnap.backends import select
    from coresnap.collect.overview import read_overview
    from coresnap.config import load_config

    config = load_config(arguments.config)
    overview = read_overview(config, select(config))
    if arguments.check:
        from coresnap.views.cli.status_check import check_line

        verdict, line = check_line(overview)
        emit(f"{line}\n")
        return verdict
    if arguments.json:
        from coresnap.views.cli.status_facts import status_facts

        facts = status_facts(overview, config)
        emit(json.dumps(without_surrogates(facts)) + "\n")
    else:
        from coresnap.views.cli.status_lines import status_lines

        emit("".join(f"{line}\n" for line in status_lines(overview, config)))
    return 0
