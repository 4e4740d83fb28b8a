"""Sampling's rules, and what it remembers of each kind of fault."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from coresnap.store.state.dialect import JSON, Hexadecimal
from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["BUCKETS", "FIRSTS", "SAMPLED", "SAMPLING_RULES"]

SAMPLING_RULES = Table(
    "sampling_rule",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("rule", JSON, nullable=False),  # an api SamplingRule
)

BUCKETS = Table(
    "sampling_bucket",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("bucket", Hexadecimal(), primary_key=True),  # 16 bytes of SHA-256
    Column("fingerprint", Hexadecimal(), nullable=False),
    Column("attributes", JSON, nullable=False),  # texts, for people
    Column("kept", Integer, nullable=False),
    Column("sampled", BigInteger, nullable=False),
    Column("started", BigInteger, nullable=False),  # seconds, UTC
    Column("last", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Index(None, "project", "used"),
)

FIRSTS = Table(
    "sampling_first",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("value", Hexadecimal(), primary_key=True),  # 16 bytes of SHA-256
    Column("noted", BigInteger, nullable=False),  # seconds, UTC
    Index(None, "project", "noted"),
)
"""Values of the rule's ``first_of`` that faults of a fingerprint had."""

SAMPLED = Table(
    "sampled",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("fingerprint", Hexadecimal(), primary_key=True),
    Column("count", BigInteger, nullable=False),  # bodies that were not kept
)
