"""What a run would do, counted rule by rule; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from coresnap.store.api.retention import (
    Action,
    Planned,
    RetentionPlan,
    RetentionPolicy,
    RetentionRule,
)
from coresnap.store.project import Project
from coresnap.store.retention.bodies import KeptBody, size_of
from coresnap.store.retention.choosing import chosen, oldest_bodies
from coresnap.store.retention.old_faults import old_size
from coresnap.store.retention.policies import find_policy
from coresnap.store.retention.running import forget_day
from coresnap.store.store import Store

__all__ = ["plan"]


def plan(
    store: Store, project: Project, now: int, instance: RetentionPolicy | None = None
) -> RetentionPlan:
    """Return what the policy of ``project`` would do at ``now``, seconds UTC."""
    with store.state.read() as connection:
        level, policy = find_policy(connection, project, instance)
    planning = _Planning(store, project, now)
    return RetentionPlan(level, tuple(planning.rule(r) for r in in_order(policy)))


def in_order(policy: RetentionPolicy) -> list[RetentionRule]:
    """Return the rules as a run takes them."""

    def place(rule: RetentionRule) -> int:
        if rule.action is Action.FORGET:
            return 0
        if rule.action is Action.COMPRESS:
            return 3
        return 1 if rule.size is None else 2

    return sorted(policy.rules, key=place)


@attrs.define
class _Planning:
    store: Store
    project: Project
    now: int
    gone: set[int] = attrs.field(factory=set)
    """Sequences of bodies that rules before take."""
    freed: int = 0
    forgotten_before: int = 0

    def rule(self, rule: RetentionRule) -> Planned:
        if rule.action is Action.FORGET:
            return self._forget(rule)
        if rule.size is not None:
            return self._shrink(rule)
        bodies = list(
            chosen(self.store.state, self.project, rule, self.now, self._is_left)
        )
        if rule.action is Action.DROP_BODY:
            self._take(bodies)
        return Planned(rule, len(bodies), sum(body.size for body in bodies))

    def _forget(self, rule: RetentionRule) -> Planned:
        assert rule.age is not None
        received = forget_day(rule.age, self.now)
        self.forgotten_before = max(self.forgotten_before, received)
        with self.store.state.read() as connection:
            old = old_size(connection, self.project, received)
        self.freed += old.size
        return Planned(rule, old.count, old.size)

    def _shrink(self, rule: RetentionRule) -> Planned:
        assert rule.size is not None
        with self.store.state.read() as connection:
            excess = size_of(connection, self.project).size - self.freed - rule.size
        taken = []
        for body in oldest_bodies(
            self.store.state, self.project, self._is_left, last_body=rule.last_body
        ):
            if excess <= 0:
                break
            taken.append(body)
            excess -= body.size
        self._take(taken)
        return Planned(rule, len(taken), sum(body.size for body in taken))

    def _take(self, bodies: Iterable[KeptBody]) -> None:
        for body in bodies:
            self.gone.add(body.sequence)
            self.freed += body.size

    def _is_left(self, sequence: int, received: int) -> bool:
        return sequence not in self.gone and received >= self.forgotten_before
