"""``coresnap daemon``: run coresnapd."""

from __future__ import annotations

import argparse
import gc

NAME = "daemon"
HELP = "process crashes as they come (coresnapd)"
DESCRIPTION = """\
Runs coresnapd: waits without using the processor until the handler announces a crash,
analyses it in a confined child, and removes what policy lets go. Started as root it
becomes the archive's user. SIGTERM ends it; what was being done is done after the next
start, and nothing twice.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``daemon``."""
    parser.add_argument(
        "--foreground",
        action="store_true",
        help="stay in the foreground and log to standard error",
    )
    parser.add_argument("--json", action="store_true", help="log as JSON lines")


def run(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM."""
    from coresnap.daemon.main import run_daemon

    gc.enable()  # see process.py: this one does not end soon
    return run_daemon(arguments)
