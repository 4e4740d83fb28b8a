"""Keys of objects: where each kind of thing lies."""

from __future__ import annotations

import re

__all__ = [
    "PARTS",
    "attachment_key",
    "bodies_prefix",
    "body_key",
    "body_parts",
    "check_key",
    "check_prefix",
    "symbol_key",
]

PARTS = re.compile(
    r"[a-z0-9_-][a-z0-9._-]{0,127}(?:/[a-z0-9_-][a-z0-9._-]{0,127}){0,15}"
)


def body_key(project: int, object_id: str, upload: str) -> str:
    """Return where the snapshot of a fault lies that came with an upload."""
    return f"{bodies_prefix(project)}{object_id[:2]}/{object_id}.{upload}"


def body_parts(key: str) -> tuple[str, str]:
    """Return object id and upload of a body's key."""
    object_id, _, upload = key.rpartition("/")[2].partition(".")
    return object_id, upload


def bodies_prefix(project: int) -> str:
    """Return what the keys of all of a project's snapshots begin with."""
    return f"{project}/faults/"


def attachment_key(project: int, object_id: str, attachment: str) -> str:
    """Return where a file lies that somebody added to a fault."""
    return f"{project}/attachments/{object_id[:2]}/{object_id}.{attachment}"


def symbol_key(project: int, build_id: str, kind: str, digest: str) -> str:
    """Return where a symbol file lies; ``digest`` is the SHA-256 of its bytes."""
    below = f"{project}/symbols/{build_id[:2]}/{build_id}"
    return f"{below}.{kind}.{digest[:32]}"


def check_key(key: str) -> str:
    """Return ``key``; raises ValueError for one that we would not make."""
    if not PARTS.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return key


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` without its ``/``; raises ValueError."""
    if not prefix.endswith("/"):
        raise ValueError(f"not a prefix: {prefix!r}")
    return check_key(prefix[:-1])
