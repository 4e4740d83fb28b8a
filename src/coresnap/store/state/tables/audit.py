"""The audit log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import UNIVERSES

__all__ = ["AUDIT"]

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("universe", ForeignKey(UNIVERSES.c.id), nullable=False),
    Column("time", BigInteger, nullable=False, index=True),  # seconds, UTC
    Column("name", String(128), nullable=False),
    Column("address", String(64), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("project", String(128)),  # its name: it may be removed one day
    Column("subject", String(256), nullable=False),
    Column("status", Integer, nullable=False),
    Index("ix_audit_universe_id", "universe", "id"),
)
