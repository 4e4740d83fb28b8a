"""Notices, hostile ones as well, and a reach that ends at this machine."""

from __future__ import annotations

import ipaddress

from coresnap.integrations.reach import Reach
from coresnap.model.notice import Event, Notice, Told

__all__ = ["GROUP", "HOSTILE", "OWN", "digest", "hostile_notice", "notice"]

GROUP = "c0" * 32
OWN = Reach(allowed=(ipaddress.ip_network("127.0.0.0/8"),), silence=5.0, patience=20.0)
"""For servers of tests: what an operator says who has one on the same machine."""

HOSTILE = (
    "<!channel> <@U1> <https://evil.example|click> &amp; *b* `c` ```\n"
    "Subject: forged\r\nBcc: evil@example.com\r\n\r\n.\r\n"
    "\x1b[31m\x00\x07 \u202egnp.exe \u200b \udcff <script>alert(1)</script> "
    '"><img src=x onerror=alert(1)> {{7*7}} %s :boom: @everyone'
)
"""What a process may call itself."""


def notice(event: Event = Event.NEW_GROUP, **given: object) -> Notice:
    """Return a notice about a group."""
    values: dict[str, object] = {
        "id": "notice-1",
        "event": event,
        "time": 1_790_000_000,
        "universe": "cf",
        "project": "blackhole",
        "rule": "crashes",
        "group": GROUP,
        "title": "server: parse_header ← read_request",
        "summary": "parse_header read 8 bytes at 0x10, a null pointer plus 16.",
        "state": "open",
        "first_seen": 1_789_990_000,
        "last_seen": 1_789_999_000,
        "count": 1412,
        "hosts": 9,
        "versions": ("2.0.1", "2.0.2"),
        "callstack": ("parse_header", "std::vector<int>::at", "main"),
        "attributes": {"hostname": (("web-1", 400), ("web-2", 12))},
        "object": "a1b",
        "url": f"https://crashes.example.org/cf/blackhole/groups/{GROUP}",
    }
    return Notice(**{**values, **given})  # type: ignore[arg-type]


def hostile_notice(event: Event = Event.NEW_GROUP) -> Notice:
    """Return a notice of which each text is hostile, and some have no end."""
    long = HOSTILE * 5_000
    return notice(
        event,
        title=HOSTILE,
        summary=long,
        assignee=HOSTILE,
        tags=(HOSTILE,) * 1_000,
        versions=(HOSTILE, long),
        callstack=(HOSTILE, long, *("f",) * 10_000),
        classifiers=(HOSTILE,),
        attributes={HOSTILE: ((HOSTILE, 2), (long, 1)), long: ((long, 1),)},
        first_seen=-(10**15),
        last_seen=10**15,
        who=HOSTILE,
        why=long,
    )


def digest(title: str = "server: parse_header") -> Notice:
    """Return a digest of forty groups."""
    told = tuple(
        Told(
            group=f"{number:064x}",
            title=title,
            state="open",
            count=1000 - number,
            before=number,
            hosts=3,
            url=f"https://crashes.example.org/cf/blackhole/groups/{number:064x}",
            is_new=number % 2 == 0,
        )
        for number in range(40)
    )
    return notice(
        Event.DIGEST,
        group="",
        title="",
        summary="",
        count=0,
        callstack=(),
        attributes={},
        versions=(),
        object="",
        since=1_789_900_000,
        lines=told,
    )
