"""Telling people: channels, rules, deliveries, and what was told already."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from coresnap.store.state.dialect import JSON, Hexadecimal
from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = ["CHANNELS", "CHANNEL_MEMORY", "DELIVERIES", "RULES", "TELLING", "TOLD"]

CHANNELS = Table(
    "channel",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("settings", JSON, nullable=False),  # secrets among them
    Column("holder", String(32), nullable=False),  # server that is at it; empty: none
    Column(
        "lease", BigInteger, nullable=False
    ),  # milliseconds UTC: it is his until then
    Column("paused", BigInteger, nullable=False),  # milliseconds UTC: nothing before
    Column("failures", Integer, nullable=False),  # in a row
    Column("error", Text, nullable=False),
    Column("asked", BigInteger, nullable=False),  # seconds UTC: changes until then
    Column("asking", BigInteger, nullable=False),  # milliseconds UTC: not before
)

RULES = Table(
    "telling_rule",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("channel", String(128), nullable=False),
    Column("rule", JSON, nullable=False),  # an api TellingRule
    Column("since", BigInteger, nullable=False),  # revision: new groups are later
    Column("due", BigInteger),  # seconds UTC: the next digest
    Column("error", Text, nullable=False),
    Index(None, "due"),
)

TELLING = Table(
    "telling",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("revision", BigInteger, nullable=False),  # groups were looked at until then
    Column("history", BigInteger, nullable=False),  # id of the last line that was read
)
"""How far each project's changes were looked at."""

TOLD = Table(
    "told",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("rule", String(128), primary_key=True),
    Column("group", Hexadecimal(), primary_key=True),
    Column("what", String(16), primary_key=True),  # an Event
    Column("time", BigInteger, nullable=False),  # seconds UTC
)
"""What each rule has told of which group, so that it is told once."""

CHANNEL_MEMORY = Table(
    "channel_memory",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("channel", String(128), primary_key=True),
    Column("group", Hexadecimal(), primary_key=True),
    Column("rule", String(128), nullable=False),  # that told of it last
    Column("memory", JSON, nullable=False),  # the channel's own words
    Column("count", BigInteger, nullable=False),  # faults that were told
    Column("time", BigInteger, nullable=False),  # seconds UTC, when
)
"""What a channel wants to know again when it tells more of a group."""

DELIVERIES = Table(
    "delivery",
    METADATA,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("project", ForeignKey(PROJECTS.c.id), nullable=False),
    Column("notice", String(32), nullable=False),
    Column("channel", String(128), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("event", String(16), nullable=False),
    Column("group", String(64), nullable=False),  # hexadecimal; empty: none
    Column("words", JSON, nullable=False),  # Words: what the state will not know later
    Column("state", String(16), nullable=False),  # waiting, delivered, failed, dropped
    Column("tries", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),  # seconds UTC
    Column("due", BigInteger, nullable=False),  # milliseconds UTC
    Column("finished", BigInteger, nullable=False),  # seconds UTC; 0: not yet
    Column("line", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index("ix_delivery_waiting", "project", "channel", "state", "id"),
    Index("ix_delivery_finished", "state", "finished"),
    sqlite_autoincrement=True,
)
