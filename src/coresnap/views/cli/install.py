"""``coresnap install``: catch every crash of this machine from now on."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.backends.base import CaptureStatus

NAME = "install"
HELP = "catch every crash of this machine from now on"
DESCRIPTION = """\
Makes the kernel hand every crash to coresnap: creates the user and the spool, and sets
what the kernel goes by. What was there before is kept and given back by `coresnap
uninstall`. Needs root; nothing is restarted.

On Linux it puts the handler where only root can change it, and sets kernel.core_pattern
to the pipe, which needs no daemon; where kernel and settings allow it, coresnapd takes
crashes through a socket while it runs. On FreeBSD it makes a directory that everybody
can write a core into, and sets kern.corefile and kern.coredump_devctl; coresnapd takes
the cores from there.

If another handler has the crashes (systemd-coredump, apport, ucored, …), nothing is
changed unless --replace is given. The kernel forgets the settings at the next boot.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``install``."""
    parser.add_argument(
        "--replace",
        action="store_true",
        help="take the crashes from another handler; uninstall gives them back",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Install the backend of this system."""
    from coresnap.backends import select
    from coresnap.config import load_config

    config = load_config(arguments.config)
    status = select(config).install(replace=arguments.replace)
    if arguments.json:
        emit(status_as_json(status))
        return 0
    lines = [
        f"crashes of this machine come to {config.spool}",
        *settings_lines(status),
        "next: start the daemon (`coresnap daemon`), try it (`coresnap catch-test`)",
    ]
    emit("\n".join(lines) + "\n")
    return 0


def settings_lines(status: CaptureStatus) -> list[str]:
    """Return a line for each of the system's settings, and for each problem."""
    lines = [f"  {name} = {printable(v)}" for name, v in status.settings.items()]
    if status.door is not None:
        lines.append(f"  door: {_doors(status)}")
    return lines + [f"  problem: {printable(text)}" for text in status.problems]


def _doors(status: CaptureStatus) -> str:
    if status.door == status.daemon_door or status.daemon_door is None:
        return f"the {status.door}"
    return f"the {status.door}; the {status.daemon_door} while coresnapd runs"


def status_as_json(status: CaptureStatus) -> str:
    """Return ``status`` as one line of JSON."""
    import attrs

    from coresnap.snapshot.escape import without_surrogates

    return json.dumps(without_surrogates(attrs.asdict(status))) + "\n"
