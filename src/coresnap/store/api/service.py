"""How the server itself does."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import Capability, Endpoint

__all__ = ["ENDPOINTS", "HEALTH", "OPENAPI", "STATUS", "Health", "LoopStatus", "Status"]


class Health(msgspec.Struct, frozen=True):
    """That the server answers, and that its state does."""

    status: str = "ok"


class LoopStatus(msgspec.Struct, frozen=True):
    """Something that the server does by itself, again and again."""

    name: str
    runs: int
    failures: int
    last: int | None
    """When it last succeeded: seconds, UTC since the epoch."""
    error: str
    """What went wrong the last time; empty if nothing did."""


class Status(msgspec.Struct, frozen=True):
    """What an operator should know. Times are seconds, sizes bytes."""

    version: str
    started: int
    """UTC since the epoch."""
    queued: int
    """Faults that are accepted and not yet in the index."""
    oldest: int
    """How long the first of them has waited."""
    disk_free: int
    disk_size: int
    """Of the filesystem with the server's directory."""
    requests: int
    """Since the start; so are the next."""
    refused: int
    """With a status from 400 to 499."""
    failed: int
    """With a status from 500 on."""
    invalid: int
    """Snapshots that were refused for what is in them."""
    validators_replaced: int
    """Children that read snapshots and had to be replaced."""
    loops: tuple[LoopStatus, ...] = ()


HEALTH = Endpoint[msgspec.Struct, Health](
    operation="health",
    method="GET",
    path="/healthz",
    capability=None,
    summary="Say whether the server can take requests.",
    answer=Health,
)
STATUS = Endpoint[msgspec.Struct, Status](
    operation="status",
    method="GET",
    path="/api/v1/status",
    capability=Capability.QUERY,
    summary="Return how the server does: its queue, disk, loops and errors.",
    answer=Status,
)

OPENAPI = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="openapi",
    method="GET",
    path="/api/v1/openapi.json",
    capability=None,
    summary="Return this description.",
    gives_bytes=True,
)

ENDPOINTS = (HEALTH, STATUS, OPENAPI)
