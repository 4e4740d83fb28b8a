"""A project with crashes of several bugs, for pages to show."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from coresnap.store.api.endpoint import Capability
from coresnap.store.fault import Value
from store.server.live import LiveServer
from store.server.snapshots import make_snapshot_of
from views.web.browsing import console_server

__all__ = ["DAY", "GROUPS", "crash", "crashed_server", "group_of"]

DAY = 86400
GROUPS = "/cf/blackhole/groups"


def group_of(kind: int) -> str:
    """The id of the group that the ``kind``th bug makes."""
    return f"{kind:064x}"


def crash(
    server: LiveServer,
    number: int,
    kind: int,
    *,
    frames: tuple[str, ...] = ("fail", "main"),
    age: float = 0,
    **attributes: Value,
) -> None:
    """Send the ``number``th fault, of the ``kind``th bug, ``age`` seconds old."""
    known: dict[str, Value] = {
        "callstack": "\n".join(frames),
        "timestamp": int(time.time() - age),
        **attributes,
    }
    body = make_snapshot_of(frames, number, kind, **known)
    with server.client(Capability.POST) as client:
        sent = client.post("faults", content=body)
    assert sent.status_code == 200, sent.text


@contextlib.contextmanager
def crashed_server(data: Path) -> Iterator[LiveServer]:
    """Run a server whose project has three groups: 1, 2 and 3.

    1 is a fault of today on three hosts in two versions, 2 one of 40 days ago, 3 one
    of a hostile program.
    """
    with console_server(data) as server:
        for number in range(6):
            version = "1.0" if number < 2 else "1.1"
            crash(server, number, 1, frames=("memcpy", "copy", "main"), version=version)
        for number in (6, 7):
            age = 40 * DAY
            crash(server, number, 2, frames=("wait", "main"), age=age, version="0.9")
        evil = ("<script>alert(1)</script>", "\x1b[31m\u202egnp", "main")
        crash(server, 8, 3, frames=evil, application="<b>evil", hostname='"><i>')
        server.wait_until_indexed()
        yield server
