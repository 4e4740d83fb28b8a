"""What is taken out of a project's snapshots when they arrive."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, Table

from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["SCRUBBING"]

SCRUBBING = Table(
    "project_scrubbing",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("rules", LargeBinary, nullable=False),  # MessagePack of Scrubbing
)
