"""Policies of retention, what they did, and why a body is not there."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from coresnap.store.state.dialect import JSON, Hexadecimal
from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS, UNIVERSES

__all__ = [
    "PROJECT_POLICIES",
    "REMOVED_BODIES",
    "RETENTION_RUNS",
    "UNIVERSE_POLICIES",
]

PROJECT_POLICIES = Table(
    "project_retention",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("policy", JSON, nullable=False),  # an api RetentionPolicy
)

UNIVERSE_POLICIES = Table(
    "universe_retention",
    METADATA,
    Column("universe", ForeignKey(UNIVERSES.c.id), primary_key=True),
    Column("policy", JSON, nullable=False),
)

RETENTION_RUNS = Table(
    "retention_run",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("holder", String(32)),  # whoever runs it; NULL for nobody
    Column("lease", BigInteger, nullable=False),  # seconds UTC: it is his until then
    Column("started", BigInteger),
    Column("finished", BigInteger),
    Column("compressed", BigInteger, nullable=False),  # of this run
    Column("dropped", BigInteger, nullable=False),
    Column("forgotten", BigInteger, nullable=False),
    Column("freed", BigInteger, nullable=False),  # bytes
    Column("total_compressed", BigInteger, nullable=False),  # of all runs
    Column("total_dropped", BigInteger, nullable=False),
    Column("total_forgotten", BigInteger, nullable=False),
    Column("total_freed", BigInteger, nullable=False),
    Column("forgotten_before", BigInteger),  # seconds UTC, of reception
    Column("error", String(512), nullable=False),
)
"""One row for each project that retention has looked at."""

REMOVED_BODIES = Table(
    "removed_body",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("object", Hexadecimal(), primary_key=True),
    Column("removed", BigInteger, nullable=False),  # seconds UTC
    Column("reason", String(128), nullable=False),
)
"""When and why a fault lost its body."""
