"""The tables of the state, one file for each topic; importing this knows them all."""

from coresnap.store.state.tables import (
    attachments,
    attributes,
    audit,
    faults,
    groups,
    projects,
    queue,
    retention,
    sampling,
    scrubbing,
    symbols,
    telling,
    tokens,
    usage,
    users,
    views,
)
from coresnap.store.state.tables.metadata import METADATA

__all__ = [
    "METADATA",
    "attachments",
    "attributes",
    "audit",
    "faults",
    "groups",
    "projects",
    "queue",
    "retention",
    "sampling",
    "scrubbing",
    "symbols",
    "telling",
    "tokens",
    "usage",
    "users",
    "views",
]
