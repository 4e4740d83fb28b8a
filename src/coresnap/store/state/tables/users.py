"""Users, where they have which role, and their sessions."""

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
from coresnap.store.state.tables.projects import PROJECTS, UNIVERSES

__all__ = ["ROLES", "SESSIONS", "USERS"]

USERS = Table(
    "user_account",  # `user` is a word of SQL
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("universe", ForeignKey(UNIVERSES.c.id), nullable=False),
    Column("name", String(128), nullable=False),
    Column("password", String(256), nullable=False),  # as passwords.hashed writes it
    Column("created", BigInteger, nullable=False),  # seconds, UTC
    UniqueConstraint("universe", "name"),
)

ROLES = Table(
    "user_role",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("account", ForeignKey(USERS.c.id), nullable=False),
    Column("project", ForeignKey(PROJECTS.c.id)),  # NULL: where no other role holds
    Column("role", String(16), nullable=False),
    UniqueConstraint("account", "project"),
)

SESSIONS = Table(
    "user_session",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("account", ForeignKey(USERS.c.id), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),  # seconds, UTC
    Column("expires", BigInteger, nullable=False, index=True),
)
