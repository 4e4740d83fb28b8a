"""``coresnap uninstall``: give the crashes back."""

from __future__ import annotations

import argparse

from coresnap.views.cli.install import settings_lines, status_as_json
from coresnap.views.cli.output import emit

NAME = "uninstall"
HELP = "give the crashes back to who had them before"
DESCRIPTION = """\
Puts back what `coresnap install` found in the kernel, and removes the handler (Linux)
or the directory for cores (FreeBSD; one in which some wait is closed instead). A
setting that somebody changed since is left as it is, and named. The spool with its
crashes and the user stay. Needs root.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``uninstall``."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Uninstall the backend of this system."""
    from coresnap.backends import select
    from coresnap.config import load_config

    config = load_config(arguments.config)
    status = select(config).uninstall()
    if arguments.json:
        emit(status_as_json(status))
    else:
        lines = [f"crashes of this machine go to {status.owner}"]
        lines += [*settings_lines(status), f"{config.root} is kept"]
        emit("\n".join(lines) + "\n")
    return 0
