"""``coresnap support-bundle``: what others need to help, and no secret."""

from __future__ import annotations

import argparse
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.views.support.bundle import Bundle
    from coresnap.views.support.piece import Context

NAME = "support-bundle"
HELP = "collect what others need to help, and no secret"
DESCRIPTION = """\
Writes one .tar.gz with what coresnap, the system and the log say of capture on this
machine. No core, snapshot, environment, command line or token goes in; what looks like
a secret in the rest is taken out, as from snapshots that are sent. Names of hosts,
users, programs and files stay. --list says what would be in it. As root it has
everything; without, it says what is missing.

Read it before you give it away: it is text.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``support-bundle``."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write FILE instead of coresnap-support-HOST-TIME.tar.gz here",
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help="say what would be in it, and collect nothing",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write it, and say what is in it."""
    from coresnap.views.support.pieces import PIECES

    if arguments.list:
        emit("".join(f"{p.name:<14} {p.meaning}\n" for p in PIECES))
        return 0
    from coresnap.views.support.bundle import collect, write_bundle

    bundle = collect(_context(arguments.config), PIECES)
    path = arguments.output or _default_path(bundle.created)
    write_bundle(bundle, path)
    emit(_told(bundle, path))
    return 0


def _context(source: Path | None) -> Context:
    from coresnap.config.interpret import interpret
    from coresnap.config.reading import read_settings, usable
    from coresnap.errors import CoresnapError
    from coresnap.views.support.piece import Context

    reading = interpret("")
    try:
        reading = read_settings(source)
        return Context(usable(reading), source)
    except CoresnapError as error:
        return Context(reading.config, source, str(error))


def _default_path(created: int) -> Path:
    host = re.sub(r"[^A-Za-z0-9-]", "-", os.uname().nodename)[:60] or "host"
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(created))
    return Path(f"coresnap-support-{host}-{moment}.tar.gz")


def _told(bundle: Bundle, path: Path) -> str:
    lines = []
    for part in bundle.parts:
        line = f"{part.name:<14} {decimal_size(len(part.data))}"
        if part.cut:
            line += ", its end"
        if part.scrubbed:
            line += f", {part.scrubbed.total()} secrets taken out"
        if part.problem:
            line += f", not complete: {printable(part.problem)}"
        lines.append(line)
    return "\n".join(
        [*lines, f"{printable(str(path))}: read it before you give it away", ""]
    )
