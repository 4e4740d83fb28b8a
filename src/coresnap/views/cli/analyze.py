"""``coresnap analyze``: why did this program die?"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.views.cli import (
    presentation,
    rule_options,
    source_options,
    symbol_options,
)
from coresnap.views.cli.output import emit
from coresnap.views.cli.progress import Progress
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.model import Snapshot

NAME = "analyze"
HELP = "read a core file and say what happened"
DESCRIPTION = """\
Reads a core file of Linux and prints why the program died: signal and
address, classifiers with their evidence, the crashed thread with source lines and
variables, registers, the other threads, modules, and notes on what could not be read.

With -o the result is kept as a snapshot: it needs neither the core nor debug
information to be read again, and is about a thousand times smaller.
"""

_MOST_LEVELS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``analyze``."""
    parser.add_argument("core", metavar="CORE", type=Path, help="the core file")
    parser.add_argument(
        "executable",
        metavar="EXE",
        nargs="?",
        type=Path,
        help="the program that crashed (default: the path that the core records)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write the snapshot to FILE instead of printing it",
    )
    symbol_options.add_arguments(parser)
    source_options.add_arguments(parser)
    parser.add_argument(
        "--globals",
        metavar="WHICH",
        default="crashed",
        help="read the variables without a function of the crashed module "
        "(crashed, the default), of all modules (all), none, or those with "
        "these names: NAME[,NAME...]",
    )
    parser.add_argument(
        "--aliases",
        metavar="N",
        type=_levels,
        default=3,
        help="follow other pointers to the memory of the fault N levels back "
        "(default: 3; 0: not at all)",
    )
    parser.add_argument(
        "--alias-memory",
        metavar="SIZE",
        type=_size,
        default=256 << 20,
        help="search at most SIZE of memory for each level (default: 256MiB)",
    )
    rule_options.add_arguments(parser, "--fingerprint-rules")
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="neither use nor keep decompressed debug information "
        "(in $XDG_CACHE_HOME/coresnap/debug, at most 1 GiB)",
    )
    presentation.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Analyse the core; print the snapshot or write it to a file."""
    import coresnap

    found = symbol_options.sources(arguments)
    with Progress() as progress:
        snapshot = coresnap.analyze(
            arguments.core,
            arguments.executable,
            sysroot=found.sysroot,
            debug_directories=found.debug_directories,
            symbol_directories=found.symbol_directories,
            source_directories=arguments.source_path,
            source_substitutions=arguments.substitute_path,
            fetcher=found.fetcher(),
            globals=arguments.globals,
            rulesets=rule_options.rulesets(arguments),
            aliases=arguments.aliases,
            alias_memory=arguments.alias_memory,
            cache=None if arguments.no_cache else _cache_directory(),
            progress=progress,
        )
    if arguments.output is not None:
        _keep(snapshot, arguments)
    if arguments.output is None or arguments.json:
        presentation.present(snapshot, arguments)
    return 0


def _levels(text: str) -> int:
    if not text.isdecimal() or int(text) > _MOST_LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of levels")
    return int(text)


def _size(text: str) -> int:
    from coresnap.config.quantities import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from error


def _cache_directory() -> Path | None:
    """The user's (XDG Base Directory Specification); None without a home."""
    below = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(below):
        below = os.path.expanduser("~/.cache")
    return Path(below, "coresnap", "debug") if os.path.isabs(below) else None


def _keep(snapshot: Snapshot, arguments: argparse.Namespace) -> None:
    from coresnap.snapshot.container import write_snapshot
    from coresnap.snapshot.text import headline

    size = write_snapshot(snapshot, arguments.output)
    if arguments.json:
        return
    text = f"{headline(snapshot)}\n{arguments.output}: {decimal_size(size)}"
    if snapshot.core_size:
        ratio = snapshot.core_size / size
        text += f", {ratio:,.0f} times smaller than the core"
        text += f" ({decimal_size(snapshot.core_size)})"
    emit(text + "\n")
