"""A project whose faults were received when a test says so."""

from __future__ import annotations

import attrs
from sqlalchemy import select, update

from coresnap.snapshot.container import pack_snapshot
from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.rows import find_fault
from coresnap.store.api.retention import RetentionPolicy, RetentionRule
from coresnap.store.project import Project
from coresnap.store.retention.fullness import kept_size
from coresnap.store.retention.policies import set_project_policy
from coresnap.store.retention.running import Instance, apply, apply_to
from coresnap.store.state.tables.faults import FAULTS
from coresnap.store.state.tables.groups import GROUPS
from coresnap.store.store import Store
from snapshot import specimens
from store.arrivals import make_sent

__all__ = ["DAY", "NOW", "World", "some_snapshot"]

DAY = 86400
NOW = 1_700_000_000


def some_snapshot() -> bytes:
    """A real one, which can be compressed."""
    return pack_snapshot(specimens.full())


@attrs.define
class World:
    store: Store
    project: Project
    sent: int = 0

    def put(self, kind: int = 0, *, days: float = 0, body: bytes | None = None) -> str:
        """Accept a fault of a kind as if it came some days before NOW."""
        self.sent += 1
        sent = make_sent(self.sent, kind=kind, body=body)
        accept(self.store, self.project, sent.arrival, sent.staged)
        received = NOW - int(days * DAY)
        with self.store.state.write() as connection:
            connection.execute(
                update(FAULTS)
                .where(FAULTS.c.object == sent.arrival.object)
                .values(received=received)
            )
        return sent.arrival.object

    def policy(self, *rules: RetentionRule, quota: int | None = None) -> None:
        with self.store.state.write() as connection:
            policy = RetentionPolicy(rules, quota)
            set_project_policy(connection, self.project, policy)

    def run(self, now: int = NOW) -> bool:
        return apply_to(self.store, self.project, now, 60, Instance())

    def run_all(self, now: int = NOW, instance: Instance | None = None) -> bool:
        return apply(self.store, now, 60, instance)

    def body(self, object_id: str) -> bytes | None:
        """What the state says is stored of a fault; None for nothing."""
        with self.store.state.read() as connection:
            row = find_fault(connection, self.project, object_id)
        if row is None or not row.has_body:
            return None
        with self.store.objects.open(row.key) as file:
            return file.read()

    def left(self, *objects: str) -> list[bool]:
        return [self.body(object_id) is not None for object_id in objects]

    def is_known(self, object_id: str) -> bool:
        with self.store.state.read() as connection:
            return find_fault(connection, self.project, object_id) is not None

    def keys(self) -> set[str]:
        prefix = f"{self.project.id}/faults/"
        return {stored.key for stored in self.store.objects.list(prefix)}

    def referred(self) -> set[str]:
        with self.store.state.read() as connection:
            objects = list(connection.execute(select(FAULTS.c.object)).scalars())
            rows = [find_fault(connection, self.project, o) for o in objects]
        return {row.key for row in rows if row is not None and row.has_body}

    def kept_size(self) -> int:
        """What counts for the quota."""
        with self.store.state.read() as connection:
            return kept_size(connection, self.project)

    def set_state(self, state: str, *, kind: int = 0, assignee: str = "") -> None:
        group = make_sent(1, kind=kind).arrival.fingerprint
        with self.store.state.write() as connection:
            connection.execute(
                update(GROUPS)
                .where(GROUPS.c.id == group)
                .values(state=state, assignee=assignee)
            )
