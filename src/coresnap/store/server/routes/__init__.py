"""Handlers of all endpoints, by operation.

A topic is a module of this package with ``HANDLERS``, plain functions by operation, or
with ``handlers(server)`` where they need more than the store.
"""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.store.server.call import Handler
from coresnap.store.server.routes import (
    attachments,
    attributes,
    audit,
    faults,
    groups,
    projects,
    queries,
    reprocessing,
    retention,
    sampling,
    scrubbing,
    service,
    symbols,
    telling,
    tokens,
    uploads,
    users,
    views,
)
from coresnap.store.server.server import Server

__all__ = ["handlers_of"]

_OF_THE_STORE = (attributes, audit, groups, queries, reprocessing, sampling, views)
_OF_THE_SERVER = (
    attachments,
    faults,
    projects,
    scrubbing,
    service,
    symbols,
    telling,
    tokens,
    uploads,
    users,
    retention,
)


def handlers_of(server: Server) -> Mapping[str, Handler]:
    """Return the handler of every operation."""
    found: dict[str, Handler] = {}
    for plain in _OF_THE_STORE:
        found.update(plain.HANDLERS)
    for topic in _OF_THE_SERVER:
        found.update(topic.handlers(server))
    return found
