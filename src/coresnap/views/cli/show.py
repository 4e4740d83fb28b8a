"""``coresnap show``: read a snapshot from a file or from the spool."""

from __future__ import annotations

import argparse
import os
import re

from coresnap.errors import MissingError
from coresnap.views.cli import presentation

NAME = "show"
HELP = "read a snapshot, from a file or by the start of its id"
DESCRIPTION = """\
Prints a snapshot that `coresnap analyze -o` wrote or that the daemon made of a crash.
The latter is named by its id as `coresnap list` shows it, or by the start of the id.
A name that is a file is read as one.
"""

# What Spool.find takes: [STAGE/]PREFIX of an id, with or without dashes.
_ID_PREFIX = re.compile(r"((pending|sending)/)?[0-9A-Fa-f-]+\.*")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``show``."""
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT|ID", help="a snapshot file, or the start of an id"
    )
    presentation.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the snapshot."""
    from coresnap.snapshot.container import read_snapshot

    if os.path.exists(arguments.snapshot):
        snapshot = read_snapshot(arguments.snapshot)
    else:
        snapshot = read_snapshot(_open_in_spool(arguments))
    presentation.present(snapshot, arguments)
    return 0


def _open_in_spool(arguments: argparse.Namespace) -> int:
    from coresnap.collect.spool import Part, Spool
    from coresnap.config import load_config

    name = arguments.snapshot
    if not _ID_PREFIX.fullmatch(name):
        raise MissingError(
            f"no such snapshot: {name}",
            remedy="Give a file, or the start of an id that `coresnap list -a` shows.",
        )
    with Spool(load_config(arguments.config).spool) as spool:
        archive = spool.find(name)
        if archive.has_snapshot:
            return spool.open(Part.SNAPSHOT, archive.id)
        core = spool.path(Part.CORE, archive.id)
    if archive.dumping:
        raise MissingError(
            f"crash {archive.id} is just being dumped",
            remedy="The daemon analyses it as soon as the handler is done.",
        )
    remedy = (
        "The daemon makes it: `coresnap status` says whether it runs, `coresnap "
        f"retry pending/{archive.id[:12]}` tries again."
    )
    if archive.has_core:
        remedy += f" Or read the core yourself: coresnap analyze {core}"
    raise MissingError(f"crash {archive.id} has no snapshot yet", remedy=remedy)
