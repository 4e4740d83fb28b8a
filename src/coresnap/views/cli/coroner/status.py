"""``coroner status``: how the store does."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.snapshot.duration import duration
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.store_options import add_arguments, client_of
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.store.api.service import LoopStatus, Status

NAME = "status"
HELP = "say how the store does"
DESCRIPTION = """\
Prints the server's version, how many accepted faults wait for the index and how long
the first of them has waited, the disk, requests and failures since its start, and what
it does by itself in the background. The exit code is 1 if something of that fails or
faults have waited for more than a minute.
"""

__all__ = ["DESCRIPTION", "HELP", "NAME", "add_arguments", "run"]

_LATE = 60


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    from coresnap.store.api.service import STATUS

    with client_of(arguments) as client:
        status = client.call(STATUS)
    if arguments.json:
        import msgspec

        emit(json.dumps(msgspec.to_builtins(status), indent=2) + "\n")
    else:
        emit("".join(f"{line}\n" for line in _lines(status)))
    failing = any(loop.error for loop in status.loops)
    return 1 if failing or status.oldest > _LATE else 0


def _lines(status: Status) -> Iterator[str]:
    now = time.time()
    up = duration(max(now - status.started, 1))
    yield f"version    {status.version}, up for {up}"
    waiting = f"{status.queued} faults wait for the index"
    if status.queued:
        waiting += f", the first for {duration(max(status.oldest, 1))}"
    yield f"queue      {waiting}"
    free, size = decimal_size(status.disk_free), decimal_size(status.disk_size)
    yield f"disk       {free} of {size} free"
    yield (
        f"requests   {status.requests}; {status.refused} refused, "
        f"{status.failed} failed"
    )
    yield (
        f"snapshots  {status.invalid} were not what they should be; "
        f"{status.validators_replaced} readers were replaced"
    )
    for loop in status.loops:
        yield f"{loop.name:<10} {_loop(loop, now)}"


def _loop(loop: LoopStatus, now: float) -> str:
    last = "never" if loop.last is None else f"{duration(max(now - loop.last, 1))} ago"
    text = f"{loop.runs} runs, {loop.failures} failed, the last good one {last}"
    return f"{text}; now: {printable(loop.error)}" if loop.error else text
