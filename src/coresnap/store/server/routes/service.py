"""How the server does."""

from __future__ import annotations

import functools
import hashlib
import io
import os
from collections.abc import Mapping
from importlib.metadata import version
from typing import BinaryIO

from sqlalchemy import select

from coresnap.store.accepting.queue import backlog
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.store.api.service import Health, Status
from coresnap.store.server.call import Call, Content, Handler
from coresnap.store.server.server import Server

__all__ = ["handlers"]


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def status(call: Call) -> Status:
        return _status(server)

    return {"health": _health, "openapi": _openapi, "status": status}


def _health(call: Call) -> Health:
    with call.store.state.read() as connection:
        connection.execute(select(1))
    return Health()


def _openapi(call: Call) -> Content:
    description = _description()

    def open_part(start: int, size: int) -> BinaryIO:
        return io.BytesIO(description[start : start + size])

    return Content(
        open=open_part,
        size=len(description),
        digest=hashlib.sha256(description).hexdigest(),
        media_type="application/json",
    )


@functools.cache
def _description() -> bytes:
    # A tenth of a second: for who asks for it.
    from coresnap.store.server.openapi import describe

    return describe(ENDPOINTS)


def _status(server: Server) -> Status:
    waiting = backlog(server.store.state)
    disk = os.statvfs(server.staging)
    counters = server.counters
    return Status(
        version=version("coresnap"),
        started=counters.started,
        queued=waiting.depth,
        oldest=int(waiting.age),
        disk_free=disk.f_bavail * disk.f_frsize,
        disk_size=disk.f_blocks * disk.f_frsize,
        requests=counters.requests,
        refused=counters.refused,
        failed=counters.failed,
        invalid=counters.invalid,
        validators_replaced=server.validators.replaced,
        loops=tuple(counters.loops[name] for name in sorted(counters.loops)),
    )
