"""Universes and the projects in them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from coresnap.store.state.tables.metadata import METADATA

__all__ = ["PROJECTS", "UNIVERSES"]

UNIVERSES = Table(
    "universe",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),  # seconds, UTC
)

PROJECTS = Table(
    "project",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("universe", ForeignKey(UNIVERSES.c.id), nullable=False),
    Column("name", String(128), nullable=False),
    Column("created", BigInteger, nullable=False),  # seconds, UTC
    UniqueConstraint("universe", "name"),
)
