"""A quota that is used up refuses, and so does a disk that is nearly full."""

from __future__ import annotations

import pytest

from coresnap.errors import NoSpaceError, QuotaError
from coresnap.store.api.retention import RetentionPolicy
from coresnap.store.project import Project
from coresnap.store.retention.fullness import Fullness, notice_of
from coresnap.store.retention.policies import set_project_policy
from coresnap.store.state.state import State
from coresnap.store.state.tables.faults import FAULTS, Body


def kept(state: State, project: Project, *sizes: int, first: int = 1) -> None:
    with state.write() as connection:
        for number, size in enumerate(sizes, first):
            connection.execute(
                FAULTS.insert().values(
                    project=project.id,
                    sequence=number,
                    object=f"{number:032x}",
                    fingerprint="ab" * 32,
                    digest="cd" * 32,
                    upload="ef" * 8,
                    size=size,
                    body=Body.KEPT,
                    time=0,
                    received=0,
                )
            )


def test_without_a_quota_everything_is_taken(state: State, project: Project) -> None:
    kept(state, project, 10**12)
    Fullness(state).check(project, 10**12)


def test_a_quota_is_held_to_the_byte(state: State, project: Project) -> None:
    kept(state, project, 600, 300)
    with state.write() as connection:
        set_project_policy(connection, project, RetentionPolicy(quota=1000))
    fullness = Fullness(state)

    fullness.check(project, 100)
    fullness.add(project, 60)
    fullness.check(project, 40)
    with pytest.raises(QuotaError, match="take 960 bytes, and may take 1000"):
        fullness.check(project, 41)


def test_what_others_took_is_known_after_a_minute(
    state: State, project: Project
) -> None:
    moment = 0.0
    fullness = Fullness(
        state, lambda: RetentionPolicy(quota=1000), clock=lambda: moment
    )
    fullness.check(project, 1000)
    kept(state, project, 900)  # by another server
    fullness.check(project, 1000)

    moment = 61.0
    with pytest.raises(QuotaError):
        fullness.check(project, 1000)


def test_what_was_removed_counts_at_once_where_it_was_asked_for(
    state: State, project: Project
) -> None:
    kept(state, project, 900)
    fullness = Fullness(state, lambda: RetentionPolicy(quota=1000))
    with pytest.raises(QuotaError):
        fullness.check(project, 500)
    with state.write() as connection:
        connection.execute(FAULTS.update().values(body=Body.DROPPED, size=0))

    fullness.forget(project)
    fullness.check(project, 500)


def test_a_full_disk_takes_nothing(state: State, project: Project) -> None:
    with pytest.raises(NoSpaceError):
        Fullness(state, shortage=lambda: 1).check(project, 1)


@pytest.mark.parametrize(
    ("size", "quota", "notice"),
    [
        (10**9, None, ""),
        (749, 1000, ""),
        (750, 1000, "75 % of the quota of 1000 bytes are used"),
        (1000, 1000, "the quota of 1000 bytes is used up: nothing more is taken"),
    ],
)
def test_a_notice_comes_before_the_quota(
    size: int, quota: int | None, notice: str
) -> None:
    assert notice_of(size, quota) == notice
