"""What a project took on each day, and what it may take."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table

from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["LIMITS", "USAGE"]

USAGE = Table(
    "project_usage",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("day", Integer, primary_key=True),  # since the epoch, UTC
    Column("faults", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
)

LIMITS = Table(
    "project_limits",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("faults", BigInteger),
    Column("size", BigInteger),  # bytes
)
