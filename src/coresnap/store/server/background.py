"""What a server does by itself."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection

from coresnap.store.accepting.sweeper import Sweeper
from coresnap.store.access.audit import remove_before
from coresnap.store.access.projects import all_projects
from coresnap.store.access.sessions import remove_expired
from coresnap.store.groups.reopening import reopen_due
from coresnap.store.retention.running import apply
from coresnap.store.server.indexing import Indexing, maintain
from coresnap.store.server.loops import Loop
from coresnap.store.server.retention import instance_of, warn_of_quotas
from coresnap.store.server.server import Server
from coresnap.store.server.symbols import SymbolLoop
from coresnap.store.server.telling import Telling
from coresnap.store.server.uploads import uploads_of

__all__ = ["loops_of"]

_INDEX_SECONDS = 0.25  # a batch costs 15 ms, whatever is in it
_WRITE_SECONDS = 1.0
_REOPEN_SECONDS = 5.0
_SYMBOL_SECONDS = 1.0
_LOOK_SECONDS = 2.0
_DELIVER_SECONDS = 0.5
_LEASE_SECONDS = 15.0  # a quarter of what a lease holds
_RETAIN_SECONDS = 30.0
_QUOTA_SECONDS = 300.0
_RETAIN_BUDGET = 5.0  # seconds of work, lest what waits for the disk wait for longer
_CLEAN_SECONDS = 600.0
_SWEEP_SECONDS = 14.0  # an hour for the 256 parts of a project
_MAINTAIN_SECONDS = 900.0


def loops_of(server: Server) -> Sequence[Loop]:
    """Return all of them."""
    indexing, sweeper = Indexing(server), Sweeper(server.store)
    told: dict[int, str] = {}
    symbols = SymbolLoop(server)
    telling = Telling(server)
    return (
        Loop("index", _INDEX_SECONDS, indexing.run_once),
        Loop("maintain", _MAINTAIN_SECONDS, lambda: maintain(server)),
        Loop("reopen", _REOPEN_SECONDS, lambda: _reopen_groups(server)),
        Loop("retention", _RETAIN_SECONDS, lambda: _retain(server)),
        Loop("symbols", _SYMBOL_SECONDS, symbols.run_once),
        Loop("telling", _LOOK_SECONDS, telling.look),
        Loop("deliveries", _DELIVER_SECONDS, telling.deliver),
        Loop("leases", _LEASE_SECONDS, telling.keep),
        Loop("quotas", _QUOTA_SECONDS, lambda: _warn_of_quotas(server, told)),
        Loop("usage", _WRITE_SECONDS, lambda: _write_usage(server)),
        Loop("access", _CLEAN_SECONDS, lambda: _clean_access(server)),
        Loop("bodies", _SWEEP_SECONDS, lambda: _sweep_bodies(server, sweeper)),
        Loop("uploads", _CLEAN_SECONDS, lambda: _sweep_uploads(server)),
    )


def _reopen_groups(server: Server) -> None:
    reopen_due(server.store, int(time.time()))


def _retain(server: Server) -> None:
    instance = instance_of(server.config)
    apply(server.store, int(time.time()), _RETAIN_BUDGET, instance)


def _warn_of_quotas(server: Server, told: dict[int, str]) -> None:
    warn_of_quotas(server.store.state, server.config, server.log, told)


def _write_usage(server: Server) -> None:
    server.quotas.write()
    server.doorkeeper.write()


def _clean_access(server: Server) -> None:
    now = int(time.time())
    age = server.config.audit_age

    def clean(connection: Connection) -> None:
        remove_expired(connection, now)
        if age is not None:
            remove_before(connection, now - age)

    server.store.state.transact(clean)


def _sweep_bodies(server: Server, sweeper: Sweeper) -> None:
    swept = sweeper.run_once()
    if swept.removed:
        server.log.info("bodies of unfinished puts were removed", count=swept.removed)
    for key in swept.missing:
        server.log.error("a body is missing from the objects", key=key)


def _sweep_uploads(server: Server) -> None:
    uploads = uploads_of(server)
    with server.store.state.read() as connection:
        projects = all_projects(connection)
    for project in projects:
        uploads.sweep(project)
