"""``coresnap resymbolize``: read a snapshot again with symbols that came later."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.views.cli import presentation, rule_options, symbol_options
from coresnap.views.cli.named_snapshot import open_named
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.model import Snapshot

NAME = "resymbolize"
HELP = "read a snapshot again with symbols that came later"
DESCRIPTION = """\
Reads the stacks of a snapshot again with executables and debug files that were missing
when its core was analysed. The core is not needed: the snapshot keeps registers and the
memory of the stacks. Files are found by build-id, below --symbols and in the system's
places; nothing that was known becomes unknown, and the verdict stays the first one's.

Prints what it reads then, or writes it with -o. A snapshot to which the files add
nothing is not written.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``resymbolize``."""
    parser.add_argument(
        "snapshot", metavar="SNAPSHOT|ID", help="a snapshot file, or the start of an id"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write the new snapshot to FILE instead of printing it",
    )
    symbol_options.add_arguments(parser)
    rule_options.add_arguments(parser, "--fingerprint-rules")
    presentation.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read it again; print the result or write it to a file."""
    from coresnap.snapshot.container import read_snapshot

    before = read_snapshot(open_named(arguments.snapshot, arguments.config))
    after = _read_again(before, arguments)
    if arguments.output is None:
        presentation.present(after or before, arguments)
    elif after is None:
        emit("nothing new: the files add nothing to this snapshot\n")
    else:
        _keep(before, after, arguments.output)
    return 0


def _read_again(before: Snapshot, arguments: argparse.Namespace) -> Snapshot | None:
    from coresnap.analysis.resymbolize import resymbolize
    from coresnap.analysis.search_places import SearchPlaces

    found = symbol_options.sources(arguments)
    places = SearchPlaces(
        sysroot=found.sysroot,
        debug_directories=found.debug_directories,
        symbol_directories=found.symbol_directories,
        fetcher=found.fetcher(),
    )
    return resymbolize(before, places, rule_options.rulesets(arguments))


def _keep(before: Snapshot, after: Snapshot, output: Path) -> None:
    from coresnap.snapshot.container import write_snapshot
    from coresnap.snapshot.text import headline

    write_snapshot(after, output)
    named = _named(after) - _named(before)
    text = f"{headline(after)}\n{output}: {named} more frames have a name"
    if after.fingerprint != before.fingerprint:
        text += (
            f"; fingerprint {before.fingerprint[:16]} is now {after.fingerprint[:16]}"
        )
    emit(text + "\n")


def _named(snapshot: Snapshot) -> int:
    return sum(
        frame.function is not None
        for thread in snapshot.threads
        for frame in thread.frames
    )
