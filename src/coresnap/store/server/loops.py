"""What the server does by itself, again and again, whatever went wrong before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import attrs

from coresnap.model.message_id import MessageId
from coresnap.store.api.service import LoopStatus
from coresnap.store.server.server import Server

__all__ = ["Loop", "run_loop"]

_LONGEST_PAUSE = 60.0


@attrs.frozen
class Loop:
    """One of those things."""

    name: str
    seconds: float
    """Between the end of one time and the beginning of the next."""
    work: Callable[[], object]


def run_loop(server: Server, loop: Loop, stopping: threading.Event) -> None:
    """Do the work until ``stopping`` is set, and once more then.

    Failures are told in the log when they begin and when they end, counted, and tried
    again, less and less often.
    """
    failures = 0
    while not stopping.wait(_pause(loop, failures)):
        failures = _once(server, loop, failures)
    _once(server, loop, failures)


def _pause(loop: Loop, failures: int) -> float:
    if failures == 0:
        return loop.seconds
    # A minute at most, but never more often than it is done when all is well.
    patience = float(2 ** min(failures, 10)) / 2
    return max(loop.seconds, min(_LONGEST_PAUSE, patience))


def _once(server: Server, loop: Loop, failures: int) -> int:
    """Do it once; return how many times in a row it has failed now."""
    try:
        loop.work()
    except Exception as error:
        failures += 1
        message = f"{loop.name} failed: {type(error).__name__}: {error}"
        if failures & (failures - 1) == 0:  # the first, 2nd, 4th, 8th time
            server.log.error(
                message,
                message_id=MessageId.WORK_FAILED,
                work=loop.name,
                times=failures,
            )
        _note(server, loop, str(message))
        return failures
    if failures:
        server.log.info(
            f"{loop.name} works again",
            message_id=MessageId.WORK_GOES_ON,
            work=loop.name,
            times=failures,
        )
    _note(server, loop, "")
    return 0


def _note(server: Server, loop: Loop, error: str) -> None:
    before = server.counters.loops.get(loop.name)
    last = before.last if before else None
    server.counters.loops[loop.name] = LoopStatus(
        name=loop.name,
        runs=(before.runs if before else 0) + 1,
        failures=(before.failures if before else 0) + (1 if error else 0),
        last=last if error else int(time.time()),
        error=error,
    )
