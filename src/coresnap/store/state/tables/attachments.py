"""Files that were added to faults; their bytes are among the objects."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from coresnap.store.state.dialect import Hexadecimal
from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["ATTACHMENTS"]

ATTACHMENTS = Table(
    "attachment",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("object", Hexadecimal(), primary_key=True),
    Column("id", Hexadecimal(), primary_key=True),  # 8 bytes
    Column("name", String(256), nullable=False),
    Column("content_type", String(128), nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("digest", Hexadecimal(), nullable=False),  # SHA-256
    Column("added", BigInteger, nullable=False),  # seconds, UTC
    Column("by", String(256), nullable=False),
)
