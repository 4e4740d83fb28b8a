"""Groups whose stacks are near: suggested to people, never merged."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence

import attrs
from sqlalchemy import Connection, select

from coresnap.snapshot.similarity import Comparison, Rarity, compare
from coresnap.store.api.group_comparisons import (
    ComparedFrame,
    SimilarGroup,
    SimilarGroups,
)
from coresnap.store.api.groups import State
from coresnap.store.groups.finding import find_group
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS

__all__ = ["similar_groups"]

_MOST_STACKS = 50_000
"""Those that were seen last are looked at."""
_CANDIDATES = 120
"""Are compared frame by frame: those that share the most, of what is rare."""


@attrs.frozen
class _Stack:
    group: str
    fingerprint: str
    frames: tuple[str, ...]
    count: int


def similar_groups(
    connection: Connection, project: Project, text: str, limit: int, distance: float
) -> SimilarGroups:
    """Return at most ``limit`` groups not further away than ``distance`` (0 to 1).

    Of each group its most similar stack counts. Raises what ``find_group`` does.
    """
    group = find_group(connection, project, text)
    stacks = _stacks(connection, project)
    own = [stack for stack in stacks if stack.group == group]
    others = [stack for stack in stacks if stack.group != group]
    one = max(own, key=lambda stack: stack.count, default=None)
    if one is None:
        return SimilarGroups(group, (), len(stacks))
    rarity = Rarity([one.frames, *(stack.frames for stack in others)])
    nearest: dict[str, tuple[Comparison, _Stack]] = {}
    for other in _candidates(one, others):
        found = compare(one.frames, other.frames, rarity)
        before = nearest.get(other.group)
        if before is None or found.distance < before[0].distance:
            nearest[other.group] = (found, other)
    ranked = sorted(
        nearest.values(), key=lambda pair: (pair[0].distance, pair[1].group)
    )
    near = [pair for pair in ranked if pair[0].distance <= distance][:limit]
    return SimilarGroups(group, _described(connection, project, near), len(stacks))


def _stacks(connection: Connection, project: Project) -> list[_Stack]:
    columns = FINGERPRINTS.c
    rows = connection.execute(
        select(columns.group, columns.fingerprint, columns.callstack, columns.count)
        .where(columns.project == project.id)
        .order_by(columns.last_seen.desc())
        .limit(_MOST_STACKS)
    )
    return [_Stack(group, own, tuple(stack), n) for group, own, stack, n in rows]


def _candidates(one: _Stack, others: Sequence[_Stack]) -> list[_Stack]:
    """Return those that share rare frames: in a large project each frame is in few."""
    wanted = frozenset(one.frames)
    shared = [(wanted.intersection(other.frames), other) for other in others]
    shared = [(frames, other) for frames, other in shared if frames]
    spread = Counter(frame for frames, _ in shared for frame in frames)

    def weight(pair: tuple[frozenset[str], _Stack]) -> float:
        common = sum(1 / spread[frame] for frame in pair[0])
        return common + len(pair[0]) / (1 + len(pair[1].frames))

    return [other for _, other in heapq.nlargest(_CANDIDATES, shared, key=weight)]


def _described(
    connection: Connection, project: Project, near: list[tuple[Comparison, _Stack]]
) -> tuple[SimilarGroup, ...]:
    ids = [stack.group for _, stack in near]
    columns = GROUPS.c
    rows = connection.execute(
        select(columns.id, columns.title, columns.state, columns.count).where(
            columns.project == project.id, columns.id.in_(ids)
        )
    )
    known = {row[0]: row for row in rows}
    return tuple(
        SimilarGroup(
            group=stack.group,
            fingerprint=stack.fingerprint,
            distance=round(found.distance, 4),
            title=known[stack.group][1],
            state=State(known[stack.group][2]),
            count=known[stack.group][3],
            frames=tuple(
                ComparedFrame(step.frame, round(step.cost, 4), step.one, step.other)
                for step in found.steps
            ),
        )
        for found, stack in near
    )
