"""Doing what the policies say: in small batches, for a while, and then on from there.

Nothing is half gone at any time. A body leaves the state before it leaves the disk;
what is killed between leaves an object that nothing refers to, which is swept up. The
next run finds by itself what is left to do.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import attrs
from sqlalchemy import Connection

from coresnap.errors import CoresnapError
from coresnap.store.accepting.forgetting import drop_bodies
from coresnap.store.access import audit
from coresnap.store.access.projects import all_projects
from coresnap.store.api.audit import AuditEntry
from coresnap.store.api.retention import (
    Action,
    Outcome,
    RetentionPolicy,
    RetentionRule,
)
from coresnap.store.project import Project
from coresnap.store.retention.bodies import KeptBody, size_of
from coresnap.store.retention.choosing import DAY, chosen, oldest_bodies
from coresnap.store.retention.compressing import compress_body
from coresnap.store.retention.old_faults import drop_old_index, forget_some
from coresnap.store.retention.policies import find_policy
from coresnap.store.retention.runs import (
    add_outcome,
    begin_run,
    end_run,
    find_run,
    note_forgotten,
)
from coresnap.store.retention.words import outcome_words, reason_of
from coresnap.store.state.state import State
from coresnap.store.store import Store

__all__ = ["Instance", "apply", "apply_to", "forget_day"]

_BATCH = 100
_REST = 600
"""Seconds between the end of a run and the next one of the same project."""


@attrs.frozen
class Instance:
    """What holds for the whole server."""

    policy: RetentionPolicy | None = None
    """For projects that neither they nor their universe has a policy for."""
    shortage: Callable[[], int] = lambda: 0
    """Bytes that the disk lacks."""


class _OutOfTimeError(Exception):
    """The budget is used up."""


def apply(
    store: Store,
    now: int,
    budget: float,
    instance: Instance | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Do what the policies of all projects say, for about ``budget`` seconds.

    Returns whether all is done that was to be done. ``now`` is in seconds, UTC.
    """
    instance = Instance() if instance is None else instance
    end = clock() + budget
    with store.state.read() as connection:
        projects = all_projects(connection)
    # Who comes last must not starve.
    start = secrets.randbelow(len(projects)) if projects else 0
    finished = [
        apply_to(store, project, now, end - clock(), instance, clock, rest=_REST)
        for project in (*projects[start:], *projects[:start])
    ]
    return all(finished)


def apply_to(
    store: Store,
    project: Project,
    now: int,
    budget: float,
    instance: Instance,
    clock: Callable[[], float] = time.monotonic,
    rest: int = 0,
) -> bool:
    """The same for one project; True also if another server does it, or just did."""
    end = clock() + budget
    rest = 0 if instance.shortage() > 0 else rest
    holder = secrets.token_hex(8)
    if not store.state.transact(lambda c: begin_run(c, project, holder, now, rest)):
        return True
    run = _Run(store, project, now, end, instance, clock)
    finished, error = False, ""
    try:
        run.all_of_it()
        finished = True
    except _OutOfTimeError:
        pass
    except BaseException as failure:
        error = str(failure) if isinstance(failure, CoresnapError) else repr(failure)
        raise
    finally:
        store.state.transact(partial(_end, project, now, finished, error))
    return finished


def _end(
    project: Project, now: int, finished: bool, error: str, connection: Connection
) -> None:
    end_run(connection, project, now, is_finished=finished, error=error)
    run = find_run(connection, project)
    if not finished or run is None:
        return
    done = Outcome(run.compressed, run.dropped, run.forgotten, run.freed)
    if done != Outcome():
        entry = AuditEntry(
            id=0,
            time=now,
            name="coroner",
            address="",
            operation="retention",
            project=project.name,
            subject=outcome_words(done),
            status=200,
        )
        audit.note(connection, project.universe, entry)


def forget_day(age: int, now: int) -> int:
    """Return the midnight before which faults are forgotten.

    By days, so that the index has something to do once a day.
    """
    return (now - age) // DAY * DAY


@attrs.define
class _Run:
    store: Store
    project: Project
    now: int
    end: float
    instance: Instance
    clock: Callable[[], float]

    def all_of_it(self) -> None:
        with self.store.state.read() as connection:
            _, policy = find_policy(connection, self.project, self.instance.policy)
        for rule in policy.rules:
            if rule.action is Action.FORGET:
                self._forget(rule)
        for rule in policy.rules:
            if rule.action is Action.DROP_BODY and rule.size is None:
                self._drop(chosen(self._state, self.project, rule, self.now), rule)
        for rule in policy.rules:
            if rule.size is not None:
                self._shrink(rule)
        self._free_disk()
        for rule in policy.rules:
            if rule.action is Action.COMPRESS:
                self._compress(rule)

    @property
    def _state(self) -> State:
        return self.store.state

    def _forget(self, rule: RetentionRule) -> None:
        assert rule.age is not None
        received = forget_day(rule.age, self.now)
        with self._state.read() as connection:
            run = find_run(connection, self.project)
        if run is not None and (run.forgotten_before or 0) >= received:
            # An index that was made again has what its segments had.
            self.store.index.drop_before(self.project.id, run.forgotten_before)
            return
        after = 0
        while found := forget_some(self.store, self.project, received, after):
            after = found.last
            self._count(Outcome(forgotten=found.count, freed=found.size))
        drop_old_index(self.store, self.project, received)
        self._state.transact(lambda c: note_forgotten(c, self.project, received))

    def _drop(self, bodies: Iterable[KeptBody], rule: RetentionRule | None) -> None:
        for batch in _batches(bodies):
            objects = [body.object for body in batch]
            dropped = drop_bodies(
                self.store, self.project, objects, reason_of(rule), self.now
            )
            self._count(Outcome(dropped=dropped.count, freed=dropped.size))

    def _shrink(self, rule: RetentionRule) -> None:
        assert rule.size is not None
        with self._state.read() as connection:
            excess = size_of(connection, self.project).size - rule.size
        self._drop(self._oldest(excess, last_body=rule.last_body), rule)

    def _free_disk(self) -> None:
        shortage = self.instance.shortage()
        self._drop(self._oldest(shortage, last_body=False), None)

    def _oldest(self, excess: int, *, last_body: bool) -> Iterator[KeptBody]:
        if excess <= 0:
            return
        for body in oldest_bodies(self._state, self.project, last_body=last_body):
            yield body
            excess -= body.size
            if excess <= 0:
                return

    def _compress(self, rule: RetentionRule) -> None:
        for body in chosen(self._state, self.project, rule, self.now):
            freed = compress_body(self.store, self.project, body.object)
            if freed is not None:
                self._count(Outcome(compressed=1, freed=freed))

    def _count(self, outcome: Outcome) -> None:
        self._state.transact(lambda c: add_outcome(c, self.project, outcome, self.now))
        if self.clock() >= self.end:
            raise _OutOfTimeError


def _batches(bodies: Iterable[KeptBody]) -> Iterator[list[KeptBody]]:
    iterator = iter(bodies)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch
