"""``coresnap retry``: analyse a crash again."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from coresnap.errors import CaptureError, WorkerError
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.backends.base import CaptureBackend
    from coresnap.collect.spool import Spool
    from coresnap.config import Config
    from coresnap.crash import Archive

NAME = "retry"
HELP = "analyse a crash again, or send its snapshot again"
DESCRIPTION = """\
Analyses a crash again: one that was given up, or one whose core is still there, for
example after debug information was installed. Name it as `coresnap list` does: its
stage, a slash, and the start of its id. A snapshot that is there is replaced.

The daemon does it if it runs; else it is done here and now. A snapshot whose core is
gone is sent to the store again, at once, also one that the store refused.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``retry``."""
    parser.add_argument(
        "crash", metavar="STAGE/PREFIX", help="e.g. pending/2d022186 or sending/815c"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Find the crash and let it be analysed."""
    from coresnap.backends import select
    from coresnap.collect.journal import is_locked
    from coresnap.collect.spool import Spool
    from coresnap.config import load_config
    from coresnap.daemon.stages import check_retriable

    config = load_config(arguments.config)
    backend = select(config)
    with Spool(config.spool) as spool:
        archive = spool.find(arguments.crash)
        if archive.has_snapshot and not archive.has_core:
            result = _ask_to_send(config, backend, archive)
        elif is_locked(config.journal) is not None:
            check_retriable(archive)
            result = _ask_daemon(spool, backend, archive)
        else:
            check_retriable(archive)
            result = _do_here(config, backend, archive)
    if arguments.json:
        emit(json.dumps({"id": archive.id, **result}) + "\n")
    else:
        emit(f"{archive.id}: {result['message']}\n")
    return 0


def _ask_daemon(
    spool: Spool, backend: CaptureBackend, archive: Archive
) -> dict[str, object]:
    from coresnap.collect.spool import Part

    # An archive with a core and without a snapshot is work to do (Journal.replay).
    spool.remove(Part.SNAPSHOT, archive.id)
    if not backend.announce(archive.id):
        raise CaptureError(
            "the daemon runs and does not listen",
            remedy="Restart it: it looks for work when it starts.",
        )
    return {"by": "daemon", "message": "the daemon was asked to analyse it again"}


def _ask_to_send(
    config: Config, backend: CaptureBackend, archive: Archive
) -> dict[str, object]:
    from coresnap.collect.journal import is_locked
    from coresnap.collect.sending_state import read_sending_state
    from coresnap.daemon.stages import check_retriable

    if read_sending_state(config.sending_state) is None:
        check_retriable(archive)  # there is no store: nothing can be done again
    if is_locked(config.journal) is None or not backend.announce(archive.id):
        raise CaptureError(
            "the daemon, which sends snapshots, does not run or does not listen",
            remedy="Start it: it sends what waits.",
        )
    return {"by": "daemon", "message": "the daemon was asked to send it again"}


def _do_here(
    config: Config, backend: CaptureBackend, archive: Archive
) -> dict[str, object]:
    from coresnap.daemon.inline import open_pipeline

    with open_pipeline(config, backend, _silent) as pipeline:
        pipeline.retry(archive.id)
        outcome = pipeline.process(archive.id)
    if outcome is None or outcome.reason:
        reason = outcome.reason if outcome is not None else "nothing was done"
        raise WorkerError(
            f"{archive.id} cannot be analysed: {reason}",
            remedy="`coresnap analyze` on the core may tell more.",
        )
    message = f"analysed in {outcome.seconds:.2f} seconds"
    return {"by": "command", "message": message, "seconds": outcome.seconds}


def _silent(sentence: str, **facts: object) -> None:
    """Say nothing: the result is printed at the end."""
