"""Symbol files that were sent, modules that miss some, and what is to be read again."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, String, Table

from coresnap.store.state.dialect import Hexadecimal
from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["POORLY_READ_MODULES", "SYMBOLS_TO_APPLY", "SYMBOL_FILES"]

SYMBOL_FILES = Table(
    "symbol_file",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("build_id", Hexadecimal(), primary_key=True),
    Column("kind", String(16), primary_key=True),  # executable or debuginfo
    Column("name", String(256), nullable=False),  # as whoever sent it calls it
    Column("machine", String(64), nullable=False),
    Column("has_debug_information", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("digest", Hexadecimal(), nullable=False),  # SHA-256
    Column("sent", BigInteger, nullable=False),  # seconds, UTC
    Column("sender", String(256), nullable=False),
)

POORLY_READ_MODULES = Table(
    "poorly_read_module",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("build_id", Hexadecimal(), primary_key=True),
    Column("path", String(256), nullable=False),
    Column("wanted", String(16), nullable=False),  # executable or debuginfo
    Column("reason", String(256), nullable=False),  # of the first fault that said so
    Column("first_seen", BigInteger, nullable=False),  # seconds, UTC, of reception
)
"""What build-ids in the attribute ``symbols.missing`` are of. How many faults miss them
is asked of the index."""

SYMBOLS_TO_APPLY = Table(
    "symbols_to_apply",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("build_id", Hexadecimal(), primary_key=True),
    Column("since", BigInteger, nullable=False),  # seconds, UTC
)
"""Symbols that came, and whose faults were not all read again yet."""
