"""Work for a request: let in, done in a thread, and what nobody expected of it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from coresnap.errors import NetworkError, StorageError
from coresnap.model.message_id import MessageId
from coresnap.store.server.server import Server
from coresnap.store.server.statuses import Refusal

__all__ = ["admit", "in_thread", "unexpected"]

T = TypeVar("T")


def admit(server: Server) -> None:
    """Raise Refusal (503) where too many requests are being worked on."""
    if server.counters.active > server.config.limit_requests:
        raise Refusal.later(503, NetworkError("the server is busy"), 1)


async def in_thread(
    server: Server, threads: ThreadPoolExecutor, work: Callable[[], T]
) -> T:
    """Do ``work`` in a thread; who waits gives up after the limit, it does not.

    Raises Refusal (503) then.
    """
    # One future and one timer: run_in_executor, shield and timeout make three of each,
    # which was a twentieth of what a put costs.
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def expire() -> None:
        if not answer.done():
            answer.set_exception(_too_late(server))

    def settle(settled: Callable[[], None]) -> None:
        if not answer.done():
            settled()

    def do() -> None:
        settled: Callable[[], None]
        try:
            settled = functools.partial(answer.set_result, work())
        except BaseException as error:
            settled = functools.partial(answer.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, settled)

    threads.submit(do)
    timer = loop.call_later(server.config.limit_time, expire)
    try:
        return await answer
    finally:
        timer.cancel()


def _too_late(server: Server) -> Refusal:
    limit = server.config.limit_time
    error = NetworkError(f"there is no answer after {limit} seconds")
    return Refusal.later(503, error, 5)


def unexpected(server: Server, what: str, error: Exception) -> StorageError:
    """Log what nobody expected; return what is told: where to find it, and no more."""
    name = uuid.uuid4().hex[:12]
    server.log.error(
        f"{what} failed unexpectedly ({name}): {type(error).__name__}",
        message_id=MessageId.REQUEST_FAILED,
        id=name,
        operation=what,
        where=_where(error),
    )
    return StorageError(
        f"the server failed in a way that nobody expected; its log has {name}",
        remedy="Try again; if it stays, give the server's operator this number.",
    )


def _where(error: Exception) -> str:
    """Return where ``error`` was raised, without anything that a client sent."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
