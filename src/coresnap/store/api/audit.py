"""The audit log: who changed what, and who was not allowed to."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import UNIVERSE, Capability, Endpoint, Parameter

__all__ = ["ENDPOINTS", "LIST_AUDIT", "AuditEntry", "AuditList"]


class AuditEntry(msgspec.Struct, frozen=True):
    """One thing that was done, or tried."""

    id: int
    time: int
    """Seconds, UTC since the epoch."""
    name: str
    """Of the token or the user; empty where nobody knows."""
    address: str
    """Where the request came from."""
    operation: str
    project: str | None
    subject: str
    """What it was done to: what stands in the path."""
    status: int
    """The answer's; below 400 it was done."""


class AuditList(msgspec.Struct, frozen=True):
    """Entries of the audit log, the last one first."""

    entries: tuple[AuditEntry, ...]


LIST_AUDIT = Endpoint[msgspec.Struct, AuditList](
    operation="list_audit",
    method="GET",
    path=f"{UNIVERSE}/audit",
    capability=Capability.ADMIN,
    summary="Return who changed what, the last change first.",
    answer=AuditList,
    parameters=(
        Parameter("since", int, "Only from this time on: seconds, UTC."),
        Parameter("until", int, "Only before this time: seconds, UTC."),
        Parameter("name", str, "Only what this token or user did."),
        Parameter("operation", str, "Only this operation."),
        Parameter("before", int, "Only entries with a smaller id: the next page."),
        Parameter("limit", int, "How many entries at most; 100, and at most 1000."),
    ),
)

ENDPOINTS = (LIST_AUDIT,)
