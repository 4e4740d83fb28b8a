"""Fingerprints, the groups they belong to, and what people did with these.

A fingerprint's row is never removed: it remembers the group that it made (``original``)
and says which one it is in (``group``). A group's row stays when it is merged into
another one; its state and counts wait there until it is unmerged.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
)

from coresnap.store.state.dialect import JSON, Hexadecimal
from coresnap.store.state.tables.metadata import METADATA
from coresnap.store.state.tables.projects import PROJECTS

__all__ = [
    "FINGERPRINTS",
    "GROUPS",
    "GROUP_COMMENTS",
    "GROUP_HISTORY",
    "GROUP_HOSTS",
    "GROUP_LINKS",
    "GROUP_SETTINGS",
    "REPROCESSED",
    "REPROCESSING",
]

FINGERPRINTS = Table(
    "fingerprint",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("fingerprint", Hexadecimal(), primary_key=True),  # 32 bytes
    Column("group", Hexadecimal(), nullable=False),  # that its faults belong to now
    Column("original", Hexadecimal(), nullable=False),  # that it made
    Column("created", BigInteger, nullable=False),  # revision
    Column("ruleset", SmallInteger, nullable=False),  # version that made it; 0 unknown
    Column("first_seen", BigInteger, nullable=False),  # crash, seconds UTC
    Column("last_seen", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),  # faults, sampled ones too
    Column("application", String(128), nullable=False),
    Column("latest", String(128), nullable=False),  # greatest version; empty: none
    Column("title", String(512), nullable=False),
    Column("callstack", JSON, nullable=False),  # texts, innermost first
    Index(None, "project", "group"),
)

GROUPS = Table(
    "fault_group",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("id", Hexadecimal(), primary_key=True),  # its first fingerprint
    Column("into", Hexadecimal()),  # the group it is merged into
    Column("state", String(16), nullable=False),
    Column("since", BigInteger, nullable=False),  # of the state: seconds UTC
    Column("noted", BigInteger, nullable=False),  # faults since then
    Column("until", JSON, nullable=False),  # api Until structs: any of them ends it
    Column("due", BigInteger),  # seconds UTC: when time alone ends the state
    Column("assignee", String(128), nullable=False),
    Column("tags", JSON, nullable=False),  # words, sorted
    Column("title", String(512), nullable=False),
    Column("first_seen", BigInteger, nullable=False),  # crash, seconds UTC
    Column("last_seen", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("reopened", Integer, nullable=False),  # how often
    Column("last_reopened", BigInteger),  # seconds UTC
    Column("revision", BigInteger, nullable=False),  # ascends with every change
    Index(None, "project", "revision"),
    Index(None, "due"),
)

GROUP_HISTORY = Table(
    "group_history",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("project", ForeignKey(PROJECTS.c.id), nullable=False),
    Column("group", Hexadecimal(), nullable=False),
    Column("time", BigInteger, nullable=False),  # seconds UTC
    Column("who", String(128), nullable=False),  # an Identity's name; empty: coroner
    Column("what", String(32), nullable=False),
    Column("old", Text, nullable=False),
    Column("new", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index(None, "project", "group", "id"),
)

GROUP_COMMENTS = Table(
    "group_comment",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("project", ForeignKey(PROJECTS.c.id), nullable=False),
    Column("group", Hexadecimal(), nullable=False),  # that it was written for
    Column("time", BigInteger, nullable=False),
    Column("who", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "project", "group", "id"),
)

GROUP_LINKS = Table(
    "group_link",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("group", Hexadecimal(), primary_key=True),
    Column("name", String(128), primary_key=True),  # of a ticket, as people say it
    Column("url", String(1024), nullable=False),
    Column("created", BigInteger, nullable=False),  # seconds UTC
)

GROUP_HOSTS = Table(
    "group_host",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("group", Hexadecimal(), primary_key=True),
    Column("host", Hexadecimal(), primary_key=True),  # 16 bytes of SHA-256
)
"""Hosts that had a fault since the state was set, of groups whose state hosts end."""

GROUP_SETTINGS = Table(
    "group_setting",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("settings", JSON, nullable=False),  # an api GroupSettings
)

REPROCESSED = Table(
    "reprocessed",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("object", Hexadecimal(), primary_key=True),  # 16 bytes
    Column("old", Hexadecimal(), nullable=False),  # fingerprint that it has
    Column("new", Hexadecimal(), nullable=False),  # that it is to get
    Column("ruleset", SmallInteger, nullable=False),  # that made the new one
    Column("title", String(512), nullable=False),
    Column("callstack", JSON, nullable=False),
    Column("attributes", JSON, nullable=False),  # that change with it
    Index(None, "project", "old", "new"),
)
"""Faults whose new fingerprints are known and not put into use."""

REPROCESSING = Table(
    "reprocessing",
    METADATA,
    Column("project", ForeignKey(PROJECTS.c.id), primary_key=True),
    Column("begun", BigInteger, nullable=False),  # seconds UTC: groups are prepared
)
"""Projects whose faults are being moved."""
