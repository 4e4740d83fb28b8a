"""Views of a project that people keep by name."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["SAVED_VIEWS"]

SAVED_VIEWS = Table(
    "saved_view",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("page", String(32), nullable=False),
    Column("query", String(4096), nullable=False),  # of the page's address
    Column("who", String(128), nullable=False),
    Column("created", BigInteger, nullable=False),  # seconds UTC
)
