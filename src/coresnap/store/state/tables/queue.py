"""What was accepted and is not in the index yet, and what is."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
)

from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["QUEUE", "SEGMENTS"]

QUEUE = Table(
    "queue",
    METADATA,
    Column(
        "position",
        BigInteger().with_variant(Integer(), "sqlite"),
        primary_key=True,
    ),
    Column("project", ForeignKey(PROJECTS.c.id), nullable=False),
    Column("kind", SmallInteger, nullable=False),  # a queue.Kind
    Column("content", LargeBinary, nullable=False),  # MessagePack
    Column("queued", BigInteger, nullable=False),  # microseconds UTC
    Column("segment", Integer),  # number it was given to, until that is written
    Index(None, "project", "position"),
    # A position is never used twice: what is being indexed may be deleted meanwhile.
    sqlite_autoincrement=True,
)

SEGMENTS = Table(
    "segment",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("faults", Integer, nullable=False),
    Column("first_received", BigInteger, nullable=False),  # seconds UTC
    Column("last_received", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Segments that were begun; that one is written shows in the queue."""
