"""How the server does."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from importlib.metadata import version

from sqlalchemy import select

from coresnap.store.accepting.queue import backlog
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.store.api.service import Health, Status
from coresnap.store.server.call import Call, Content, Handler
from coresnap.store.server.openapi import describe
from coresnap.store.server.server import Server

__all__ = ["handlers"]


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def status(call: Call) -> Status:
        return _status(server)

    description = describe(ENDPOINTS)
    digest = hashlib.sha256(description).hexdigest()

    def openapi(call: Call) -> Content:
        return Content(
            open=lambda start, size: io.BytesIO(description[start : start + size]),
            size=len(description),
            digest=digest,
            media_type="application/json",
        )

    return {"health": _health, "openapi": openapi, "status": status}


def _health(call: Call) -> Health:
    with call.store.state.read() as connection:
        connection.execute(select(1))
    return Health()


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
