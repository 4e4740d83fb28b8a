"""Attributes that were discovered, what was set about them, and what was left out."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Table

from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["ATTRIBUTES", "ATTRIBUTE_LOSSES", "ATTRIBUTE_REVISIONS"]

ATTRIBUTES = Table(
    "attribute",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("format", String(16), nullable=False),
    Column("is_guessed", Boolean, nullable=False),  # the format, by its first value
    Column("unit", String(32), nullable=False),
    Column("description", String(512), nullable=False),
    Column("is_protected", Boolean, nullable=False),
    Column("is_discovered", Boolean, nullable=False),  # False: one of the catalogue's
    Column("created", BigInteger, nullable=False),  # seconds, UTC
    Column("narrow_kind", String(16)),  # before it was widened for the first time
    Column("widened", BigInteger),  # seconds, UTC: the last time
)

ATTRIBUTE_REVISIONS = Table(
    "attribute_revision",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("revision", Integer, nullable=False),  # ascends with each change
)

ATTRIBUTE_LOSSES = Table(
    "attribute_loss",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("reason", String(16), primary_key=True),
    Column("count", BigInteger, nullable=False),  # of values
    Column("last", BigInteger, nullable=False),  # seconds, UTC
    Column("name", String(128), nullable=False),  # of the last attribute
)
