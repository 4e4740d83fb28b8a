"""Tokens; of a secret only its SHA-256 is kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table

from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS, UNIVERSES

__all__ = ["TOKENS"]

TOKENS = Table(
    "token",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("universe", ForeignKey(UNIVERSES.c.id), nullable=False, index=True),
    Column("project", ForeignKey(PROJECTS.c.id)),  # NULL: all of the universe
    Column("name", String(128), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("capabilities", String(128), nullable=False),  # separated by spaces
    # Times are seconds, UTC.
    Column("created", BigInteger, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("expires", BigInteger),
    Column("used", BigInteger),
    Column("revoked", BigInteger),
)
