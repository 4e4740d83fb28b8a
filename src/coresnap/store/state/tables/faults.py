"""What was accepted: one row for each fault, as small as it can be."""

from __future__ import annotations

import enum

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    UniqueConstraint,
    text,
)

from coresnap.store.state.dialect import Hexadecimal
from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["FAULTS", "KEPT", "LAST_SEQUENCE", "Body"]


class Body(enum.IntEnum):
    """What is left of a fault's snapshot."""

    KEPT = 1
    COMPRESSED = 2
    """Made smaller by retention."""
    DROPPED = 3
    """Removed; the fault still counts."""
    SUMMARY = 4
    """Sampling never kept it."""


KEPT = text(f"body <= {Body.COMPRESSED:d}")
"""Faults whose body is there. A parameter in the place of the number would keep SQLite
from using the index."""

FAULTS = Table(
    "fault",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("object", Hexadecimal(), nullable=False),  # 16 bytes
    Column("fingerprint", Hexadecimal(), nullable=False),  # 32 bytes
    Column("digest", Hexadecimal(), nullable=False),  # SHA-256 of what was sent
    Column("upload", Hexadecimal(), nullable=False),  # 8 bytes: end of the body's key
    Column("size", BigInteger, nullable=False),  # bytes that are stored
    Column("body", SmallInteger, nullable=False),  # a Body
    Column("time", BigInteger, nullable=False),  # of the crash, seconds UTC
    Column("received", BigInteger, nullable=False),  # seconds UTC, by our clock
    UniqueConstraint("project", "object"),
    Index(None, "project", "fingerprint", "sequence"),
    # What retention looks through; it shrinks with what is removed.
    Index(
        "ix_fault_kept",
        "project",
        "sequence",
        "size",
        sqlite_where=KEPT,
        postgresql_where=KEPT,
    ),
    sqlite_with_rowid=False,
)

LAST_SEQUENCE = Table(
    "last_sequence",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1: one row
    Column("value", BigInteger, nullable=False),
)
"""The sequence of the fault that was accepted last. Whoever takes the next one holds
this row until the commit, so that sequences become visible in their order."""
