"""Notices as the store makes them."""

from __future__ import annotations

import hashlib
import itertools

from coresnap.model.notice import Event, Notice

__all__ = ["group_id", "notice"]

_NUMBERS = itertools.count(1)


def group_id(name: str) -> str:
    """Return the id of a group with a name."""
    return hashlib.sha256(name.encode()).hexdigest()


def notice(event: Event, group: str, **given: object) -> Notice:
    """Return a notice about a group, given by its id."""
    values: dict[str, object] = {
        "id": hashlib.sha256(str(next(_NUMBERS)).encode()).hexdigest()[:32],
        "event": event,
        "time": 1_790_000_000,
        "universe": "cf",
        "project": "blackhole",
        "rule": "crashes",
        "group": group,
        "title": "server: parse_header ← read_request",
        "summary": "parse_header read 8 bytes at 0x10, a null pointer plus 16.",
        "state": "open",
        "first_seen": 1_789_990_000,
        "last_seen": 1_789_999_000,
        "count": 412,
        "hosts": 9,
        "versions": ("2.0.1", "2.0.2"),
        "callstack": ("parse_header", "read_request", "main"),
        "attributes": {"hostname": (("web-1", 400), ("web-2", 12))},
        "object": "00000a1b",
        "url": f"https://crashes.example.org/cf/blackhole/groups/{group}",
    }
    return Notice(**{**values, **given})  # type: ignore[arg-type]
