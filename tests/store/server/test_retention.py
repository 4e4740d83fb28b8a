"""What a server's settings say about retention holds, and its log tells of quotas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.config.server_reading import load_server_config
from coresnap.store.api.retention import Action, RetentionPolicy
from coresnap.store.project import Project
from coresnap.store.retention.policies import set_project_policy
from coresnap.store.server.retention import (
    disk_shortage,
    instance_of,
    warn_of_quotas,
)
from coresnap.store.state.state import State
from coresnap.store.state.tables.faults import FAULTS, Body

DAY = 86400


@attrs.define
class Log:
    lines: list[str] = attrs.field(factory=list)

    def info(self, event: str, **facts: object) -> Any:  # noqa: ANN401
        raise AssertionError(event)

    error = info

    def warning(self, event: str, **facts: object) -> Any:  # noqa: ANN401
        self.lines.append(event)


def settings(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "coronerd.conf"
    path.write_text(f"[server]\ndata = {tmp_path}\n{text}")
    return path


def test_settings_are_a_policy_for_projects_without_one(tmp_path: Path) -> None:
    text = "[retention]\ndrop.age = 90d\nforget.age = 400d\nquota = 2GB\n"
    policy = instance_of(load_server_config(settings(tmp_path, text))).policy

    assert policy is not None
    assert [(rule.action, rule.age) for rule in policy.rules] == [
        (Action.DROP_BODY, 90 * DAY),
        (Action.FORGET, 400 * DAY),
    ]
    assert policy.quota == 2 * 10**9
    assert instance_of(load_server_config(settings(tmp_path, ""))).policy is None


@pytest.mark.parametrize(
    ("text", "is_short"),
    [
        ("[retention]\ndisk.free = 1B\n", False),
        ("[retention]\ndisk.free = 8000TB\n", True),
        ("[retention]\ndisk.free = none\n", False),
        ("[store]\nobjects = s3://host/bucket\n[retention]\ndisk.free = 1TB\n", False),
    ],
)
def test_the_disk_is_short_of_what_shall_stay_free(
    tmp_path: Path, text: str, is_short: bool
) -> None:
    config = load_server_config(settings(tmp_path, text))
    assert (disk_shortage(config) > 0) is is_short
    assert disk_shortage(config, 0.5) <= disk_shortage(config)


def test_a_quota_is_warned_of_once_and_once_more_when_it_is_used_up(
    state: State, project: Project, tmp_path: Path
) -> None:
    config = load_server_config(settings(tmp_path, ""))
    log, told = Log(), dict[int, str]()

    def take(sequence: int, size: int) -> None:
        with state.write() as connection:
            connection.execute(
                FAULTS.insert().values(
                    project=project.id,
                    sequence=sequence,
                    object=f"{sequence:032x}",
                    fingerprint="ab" * 32,
                    digest="cd" * 32,
                    upload="ef" * 8,
                    size=size,
                    body=Body.KEPT,
                    time=0,
                    received=0,
                )
            )
        for _ in range(2):
            warn_of_quotas(state, config, log, told)

    with state.write() as connection:
        set_project_policy(connection, project, RetentionPolicy(quota=1000))
    take(1, 700)
    assert log.lines == []
    take(2, 100)
    take(3, 300)

    assert log.lines == [
        "project cf/blackhole: 80 % of the quota of 1000 bytes are used",
        "project cf/blackhole: the quota of 1000 bytes is used up: "
        "nothing more is taken",
    ]
