"""What the store holds: every server of a store says the same of it.

It is asked of the state, which may be slow or away, so it is asked seldom: what waits
every few seconds, what is counted over whole tables once in a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import attrs
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Connection, func, select

from coresnap.store.accepting.queue import backlog
from coresnap.store.access.projects import all_projects
from coresnap.store.state.tables.groups import GROUPS
from coresnap.store.state.tables.telling import CHANNELS, DELIVERIES
from coresnap.store.state.tables.users import SESSIONS
from coresnap.store.store import Store

__all__ = ["OTHERS", "PROJECTS", "SharedNumbers"]

PROJECTS = 100
"""Whose numbers are told one by one: those with the most faults."""
OTHERS = "(others)"
"""Stands for the rest together; no project can be called so."""
_WAITING_AGE = 5.0
_COUNTED_AGE = 60.0

T = TypeVar("T")


@attrs.define
class _Kept(Generic[T]):
    """An answer that is good for a while."""

    seconds: float
    ask: Callable[[], T]
    _until: float = 0.0
    _answer: T | None = None

    def get(self) -> T:
        """Return the answer, asked again if it is too old; raise what asking does."""
        if self._answer is None or time.monotonic() >= self._until:
            self._answer = self.ask()
            self._until = time.monotonic() + self.seconds
        return self._answer


@attrs.define
class SharedNumbers:
    """What prometheus_client collects from; one thread at a time."""

    store: Store
    _waiting: _Kept[list[Metric]] = attrs.field(init=False)
    _counted: _Kept[list[Metric]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._waiting = _Kept(_WAITING_AGE, lambda: list(_waiting(self.store)))
        self._counted = _Kept(_COUNTED_AGE, lambda: list(_counted(self.store)))

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers; raises StorageError if the state does not answer."""
        yield from self._waiting.get()
        yield from self._counted.get()


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)


def _number(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value)


def _waiting(store: Store) -> Iterator[Metric]:
    waiting = backlog(store.state)
    meaning = "Faults that are accepted and not yet in the index."
    yield _number("coroner_queue_faults", meaning, waiting.depth)
    meaning = "How long the first of them has waited; 0 without one."
    yield _number("coroner_queue_oldest_seconds", meaning, waiting.age)
    with store.state.read() as connection:
        yield from _telling(connection)
        live = select(func.count()).select_from(SESSIONS)
        sessions = connection.scalar(live.where(SESSIONS.c.expires > int(time.time())))
    yield _number("coroner_sessions", "People who are logged in.", sessions or 0)


def _telling(connection: Connection) -> Iterator[Metric]:
    waits = DELIVERIES.c.state == "waiting"
    numbers = select(func.count(), func.min(DELIVERIES.c.created)).where(waits)
    count, oldest = connection.execute(numbers).one()
    yield _number("coroner_notices_waiting", "Notices to people that wait.", count)
    age = max(0.0, time.time() - oldest) if count else 0
    meaning = "How long the first of them has waited; 0 without one."
    yield _number("coroner_notices_oldest_seconds", meaning, age)
    failing = select(func.count()).select_from(CHANNELS).where(CHANNELS.c.failures > 0)
    meaning = "Channels to people that failed the last time."
    yield _number("coroner_channels_failing", meaning, connection.scalar(failing) or 0)


def _counted(store: Store) -> Iterator[Metric]:
    alone = GROUPS.c.into.is_(None)
    columns = (GROUPS.c.project, GROUPS.c.state)
    numbers = select(*columns, func.count(), func.sum(GROUPS.c.count))
    with store.state.read() as connection:
        names = {p.id: f"{p.universe}/{p.name}" for p in all_projects(connection)}
        rows = connection.execute(numbers.where(alone).group_by(*columns)).all()
    faults = dict.fromkeys(names, 0)
    for project, _, _, count in rows:
        faults[project] = faults.get(project, 0) + int(count)
    shown = sorted(faults, key=lambda one: (-faults[one], one))[:PROJECTS]
    title = {one: names[one] for one in shown if one in names}
    groups: dict[tuple[str, str], int] = {}
    for project, state, number, _ in rows:
        key = title.get(project, OTHERS), state
        groups[key] = groups.get(key, 0) + number
    yield _labelled("coroner_groups", "Groups by state.", groups)
    yield from _by_project(store, title, faults)


def _labelled(
    name: str, meaning: str, values: dict[tuple[str, str], int]
) -> GaugeMetricFamily:
    family = _gauge(name, meaning, "project", "state")
    for labels, value in sorted(values.items()):
        family.add_metric(labels, value)
    return family


def _by_project(
    store: Store, title: dict[int, str], faults: dict[int, int]
) -> Iterator[Metric]:
    taken = _gauge("coroner_faults", "Faults that were ever taken.", "project")
    segments = _gauge("coroner_index_segments", "Segments in the index.", "project")
    for project, name in title.items():
        taken.add_metric([name], faults[project])
        segments.add_metric([name], store.index.written(project))
    if rest := sum(count for one, count in faults.items() if one not in title):
        taken.add_metric([OTHERS], rest)
    yield from (taken, segments)
