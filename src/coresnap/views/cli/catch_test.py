"""``coresnap catch-test``: crash a program on purpose and follow it through."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from coresnap.errors import AccessError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.daemon.rehearsal import Rehearsal, Result

NAME = "catch-test"
HELP = "crash a program on purpose and follow it through"
DESCRIPTION = """\
Crashes a program of ours, or PROGRAM, and follows the crash: the kernel, the handler,
the archive, the worker, the snapshot; then prints what happened, with the time of each
step, the crashed thread with its variables, and how much smaller the snapshot is.

Where coresnap is installed the crash goes the usual way and stays in `coresnap list`.
Where it is not, root tries it with an installation in a temporary directory that is
undone afterwards. Without root the kernel writes the core into a file, and the rest is
the same.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``catch-test``."""
    parser.add_argument(
        "program",
        metavar="PROGRAM",
        nargs="*",
        help="program with arguments that will crash (default: coresnap-crash)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="keep the snapshot in FILE"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Rehearse a crash and print how it went."""
    from coresnap.backends import select
    from coresnap.config import load_config
    from coresnap.daemon import rehearsal

    config = load_config(arguments.config)
    backend = select(config)
    steps = _Steps(quiet=arguments.json)
    installed = backend.status().installed
    if installed and os.geteuid() != 0:
        raise AccessError(
            "coresnap catches the crashes here, into a spool that is not this user's",
            remedy="Run `coresnap catch-test` as root.",
        )
    if installed:
        way = rehearsal.as_installed(config, backend)
    elif os.geteuid() == 0:
        steps("not installed: catching once, with a temporary installation")
        way = rehearsal.temporarily_installed(config)
    else:
        steps("not root: the kernel writes the core into a file, no handler runs")
        way = rehearsal.from_file(config, backend)
    with way as rehearsed:
        result = rehearsed.run(arguments.program, steps)
        _present(arguments, rehearsed, result, steps)
    return 0


@attrs.define
class _Steps:
    """Prints each step as it is over, with the milliseconds since the one before."""

    quiet: bool
    taken: list[dict[str, Any]] = attrs.field(factory=list)
    last: float = attrs.field(factory=time.perf_counter)

    def __call__(self, sentence: str, **facts: object) -> None:
        now = time.perf_counter()
        milliseconds, self.last = (now - self.last) * 1000, now
        step = {"step": sentence, "milliseconds": round(milliseconds, 3), **facts}
        self.taken.append(step)
        if not self.quiet:
            emit(f"{milliseconds:8.1f} ms  {printable(sentence)}\n")


def _present(
    arguments: argparse.Namespace, rehearsed: Rehearsal, result: Result, steps: _Steps
) -> None:
    from coresnap.snapshot.container import read_snapshot, write_snapshot

    snapshot = read_snapshot(result.snapshot)
    size = result.snapshot.stat().st_size
    if arguments.output is not None:
        write_snapshot(snapshot, arguments.output)
    if arguments.json:
        from coresnap.snapshot.json_form import to_json

        body = {
            "id": result.id,
            "steps": steps.taken,
            "core_size": result.core_size,
            "snapshot_size": size,
            "snapshot": to_json(snapshot),
        }
        emit(json.dumps(body) + "\n")
        return
    from coresnap.collect.spool import Spool
    from coresnap.snapshot.text import render
    from coresnap.views.cli.archive_lines import look_up
    from coresnap.views.cli.list import render_listing

    ratio = result.core_size / size
    emit("\n" + render(snapshot, thread="crashed") + "\n")
    with Spool(rehearsed.config.spool) as spool:
        emit(render_listing([look_up(spool, spool.find(result.id))], 0, spool.usage()))
    emit(
        f"core {decimal_size(result.core_size)}, snapshot {decimal_size(size)}: "
        f"{ratio:,.0f} times smaller\n"
    )
