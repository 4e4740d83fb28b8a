"""A month of a small fleet's crashes, in a ``coroner serve`` of its own process."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import httpx2
import msgspec

from coresnap.model import Snapshot
from coresnap.snapshot.container import pack_snapshot, read_snapshot
from coresnap.store.fault import Value
from store.server.process import ServerProcess
from store.server.snapshots import make_snapshot_of
from views.fault.hostile import hostile

__all__ = [
    "BUGS",
    "HOSTILE",
    "PROJECT",
    "SIMPLE",
    "Bug",
    "Fleet",
    "group_of",
    "running_fleet",
]

PROJECT = "/cf/blackhole"
DAY = 86_400
SIMPLE = f"{431991:032x}"
"""The object of the announcement's crash, which really happened."""
HOSTILE = f"{666:032x}"
"""The object of a crash of a program that attacks whoever looks at it."""
_SNAPSHOTS = Path(__file__).parent / "snapshots"


@attrs.frozen
class Bug:
    """One reason to crash, and how often it did."""

    application: str
    frames: tuple[str, ...]
    count: int
    hosts: int
    versions: tuple[str, ...]
    days: tuple[int, int]
    """From how many days ago to how many."""
    state: str = ""
    attributes: dict[str, Value] = attrs.field(factory=dict)


BUGS = (
    Bug(
        "routerd",
        ("memcpy", "route::Table::copy", "route::reload", "event_loop", "main"),
        64,
        12,
        ("2.3.0", "2.3.1", "2.4.0"),
        (28, 0),
        attributes={"signal": "SIGSEGV", "classifiers": "null read null.field"},
    ),
    Bug(
        "routerd",
        ("abort", "__assert_fail", "route::Table::insert", "route::learn", "main"),
        31,
        5,
        ("2.3.1", "2.4.0"),
        (20, 0),
        "in-progress",
        {"signal": "SIGABRT", "classifiers": "abort assert"},
    ),
    Bug(
        "billing",
        ("ledger_post", "invoice_close", "worker_run", "start_thread", "clone3"),
        22,
        3,
        ("5.0.1", "5.0.2"),
        (12, 1),
        attributes={"signal": "SIGSEGV", "classifiers": "use-after-free read"},
    ),
    Bug(
        "billing",
        ("__stack_overflow", "parse_node", "parse_node", "parse_node", "parse_file"),
        9,
        2,
        ("5.0.2",),
        (3, 0),
        attributes={"signal": "SIGSEGV", "classifiers": "stack-overflow recursion"},
    ),
    Bug(
        "edge-cache",
        ("free", "entry_drop", "evict", "cache_tick", "main"),
        14,
        4,
        ("1.9.0",),
        (27, 9),
        "resolved",
        {"signal": "SIGABRT", "classifiers": "abort heap double-free"},
    ),
)
"""The ``n``th has the fingerprint of ``group_of(n)``, from 1."""


def group_of(number: int) -> str:
    """The id of the group that a bug makes."""
    return f"{number:02x}" + "5eed" * 15 + "00"


@attrs.frozen
class Fleet:
    """The server, and what reaches it."""

    process: ServerProcess
    url: str

    @property
    def secret(self) -> str:
        """Of the administrator's token."""
        return self.process.token

    def put(self, body: bytes) -> None:
        """Send a snapshot. Raises AssertionError."""
        self.put_all([body])

    def put_all(self, bodies: Sequence[bytes]) -> None:
        """Send snapshots, and wait until they can be asked for."""
        with self.process.client(self.url) as client:
            for body in bodies:
                sent = client.post("faults", content=body)
                assert sent.status_code == 200, sent.text
            self._wait(client)

    def post(self, path: str, body: object) -> None:
        """Do something by the API, below the project."""
        with self.process.client(self.url) as client:
            answer = client.post(path, json=body)
            assert answer.status_code == 200, answer.text

    def _wait(self, client: httpx2.Client) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if client.get(f"{self.url}/api/v1/status").json()["queued"] == 0:
                return
            time.sleep(0.05)
        raise TimeoutError("the faults are not indexed")


@contextlib.contextmanager
def running_fleet(
    data: Path, bugs: Sequence[Bug] = BUGS, options: tuple[str, ...] = ()
) -> Iterator[Fleet]:
    """Run a server below ``data``, and let ``bugs`` happen."""
    process = ServerProcess(data, options)
    fleet = Fleet(process, process.start())
    try:
        if bugs:
            fleet.put_all([*_crashes(bugs), simple(), evil()])
            _work_on(fleet, bugs)
        yield fleet
    finally:
        if process.process is not None and process.process.poll() is None:
            process.end()


def simple(object_: str = SIMPLE, **attributes: Value) -> bytes:
    """The announcement's crash, as it happened an hour ago on ``broadwell``."""
    known: dict[str, Value] = {
        "application": "simple",
        "coresnap.object": object_,
        "hostname": "broadwell",
        "timestamp": int(time.time()) - 3600,
        "version": "1.0.0",
    }
    return _with(read_snapshot(_SNAPSHOTS / "simple.csnap"), known | attributes)


def evil() -> bytes:
    """A crash in which everything that the process chose is an attack."""
    known: dict[str, Value] = {
        "application": '<b onmouseover="alert(1)">evil',
        "coresnap.object": HOSTILE,
        "hostname": '"><img src=x onerror=alert(1)>',
        "timestamp": int(time.time()) - 5 * DAY,
        "version": "\u202e1.0\x1b[31m",
    }
    return _with(hostile(), known)


def _with(snapshot: Snapshot, attributes: dict[str, Value]) -> bytes:
    merged = {**snapshot.attributes, **attributes}
    return pack_snapshot(msgspec.structs.replace(snapshot, attributes=merged))


def _crashes(bugs: Sequence[Bug]) -> Iterator[bytes]:
    chance = random.Random(8)
    number = 1000
    now = int(time.time())
    for place, bug in enumerate(bugs, 1):
        first, last = bug.days
        for turn in range(bug.count):
            number += 1
            passed = turn / bug.count
            age = first - passed * (first - last) + chance.random() * 0.4
            version = bug.versions[int(passed * len(bug.versions))]
            yield make_snapshot_of(
                bug.frames,
                number,
                int(group_of(place), 16),
                application=bug.application,
                callstack="\n".join(bug.frames),
                hostname=f"{bug.application}-{chance.randrange(bug.hosts) + 1:02d}",
                timestamp=now - int(age * DAY) - 600,
                version=version,
                **bug.attributes,
            )


def _work_on(fleet: Fleet, bugs: Sequence[Bug]) -> None:
    for place, bug in enumerate(bugs, 1):
        if bug.state:
            body = {
                "groups": [group_of(place)],
                "state": bug.state,
                "assignee": "ada",
                "add_tags": ["release-blocker"],
                "reason": "seen in the morning's round",
            }
            fleet.post("group-changes", body)
    text = "Happens when the table is reloaded while it is copied."
    fleet.post(f"groups/{group_of(1)}/comments", {"text": text})
