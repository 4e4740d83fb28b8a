"""Which bodies a rule takes, in the order in which it takes them.

The first body of a group stays, so that none is ever without; a rule must ask for it.
While somebody works on the group it goes last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from coresnap.store.api.retention import Action, RetentionRule
from coresnap.store.project import Project
from coresnap.store.retention.bodies import (
    KeptBody,
    Left,
    crowded_bodies,
    everything,
    kept_bodies,
)
from coresnap.store.state.state import State

__all__ = ["DAY", "chosen", "oldest_bodies"]

DAY = 86400
# Sequences and times of reception ascend together but for the clocks of several
# servers, and faults that were sent again.
_MARGIN = DAY


def chosen(
    state: State,
    project: Project,
    rule: RetentionRule,
    now: int,
    left: Left = everything,
) -> Iterator[KeptBody]:
    """Yield the bodies that ``rule`` takes by age or count, of those that are left."""
    if rule.age is not None:
        old = _older_than(kept_bodies(state, project, left), now - rule.age)
        yield from _by_age(old, rule)
    elif rule.first is not None or rule.last is not None:
        first, last = rule.first or 0, rule.last or 0
        yield from crowded_bodies(state, project, first, last, left)


def oldest_bodies(
    state: State, project: Project, left: Left = everything, *, last_body: bool
) -> Iterator[KeptBody]:
    """Yield the bodies that go when room is needed, as long as it is."""
    for may_go in _ORDER if last_body else _ORDER[:1]:
        yield from (body for body in kept_bodies(state, project, left) if may_go(body))


_ORDER: tuple[Callable[[KeptBody], bool], ...] = (
    lambda body: not body.is_first,
    lambda body: body.is_first and not body.is_active,
    lambda body: body.is_first and body.is_active,
)


def _older_than(bodies: Iterable[KeptBody], moment: int) -> Iterator[KeptBody]:
    for body in bodies:
        if body.received >= moment + _MARGIN:
            return
        if body.received < moment:
            yield body


def _by_age(bodies: Iterable[KeptBody], rule: RetentionRule) -> Iterator[KeptBody]:
    if rule.action is Action.COMPRESS:
        return (body for body in bodies if not body.is_compressed)
    return (
        body
        for body in bodies
        if not body.is_first or (rule.last_body and not body.is_active)
    )
