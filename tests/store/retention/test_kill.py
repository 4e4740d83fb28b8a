"""kill -9 in the middle of retention: nothing is half gone; the next run ends it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Tally
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.rows import find_fault
from coresnap.store.accepting.sweeper import sweep
from coresnap.store.access.projects import ensure_project
from coresnap.store.api.retention import Action, RetentionRule
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.retention.removals import no_body
from coresnap.store.state.tables.faults import Body
from store.mortal_process import answer_of, mortal_process
from store.retention.world import DAY, NOW, World, some_snapshot

SCRIPT = Path(__file__).with_name("mortal.py")
LATER = 2 * 3600
STRIDE = 5
"""Boundaries between two kills: each is a second of work."""


@pytest.fixture(scope="module")
def mortals() -> Iterator[subprocess.Popen[str]]:
    with mortal_process(SCRIPT) as process:
        yield process


def is_killed(mortals: subprocess.Popen[str], directory: Path, step: int) -> bool:
    answer = answer_of(mortals, f"{directory}\t{step}")
    assert answer in ("killed", "done")
    return answer == "killed"


def prepared(directory: Path) -> dict[str, bool | None]:
    """Fill a store; return what becomes of each fault: True for a body that stays,
    False for one that goes, None for a fault that is forgotten."""
    store = open_store(StoreSettings(directory))
    with store.state.write() as connection:
        project = ensure_project(connection, "cf", "blackhole")
    world = World(store, project)
    fate: dict[str, bool | None] = {}
    for kind in (0, 1):
        for days, expected in ((150, None), (60, True), (50, False), (40, False)):
            fate[world.put(kind, days=days)] = expected
        Indexer(store).run_once()
    for days in (12, 1):
        fate[world.put(2, days=days, body=some_snapshot())] = True
    world.policy(
        RetentionRule(Action.FORGET, age=100 * DAY),
        RetentionRule(Action.DROP_BODY, age=30 * DAY),
        RetentionRule(Action.COMPRESS, age=10 * DAY),
    )
    store.close()
    return fate


def check_between(world: World, fate: dict[str, bool | None]) -> None:
    """What the state says is true, whenever it is asked."""
    for object_id, expected in fate.items():
        body = world.body(object_id)  # fails if the state promises one in vain
        with world.store.state.read() as connection:
            row = find_fault(connection, world.project, object_id)
            assert row is not None or expected is None
            if row is not None and body is None:
                assert row.body is Body.DROPPED
                assert "retention: drop bodies" in str(
                    no_body(connection, world.project, row)
                )


def check_end(world: World, fate: dict[str, bool | None]) -> None:
    for object_id, expected in fate.items():
        assert world.is_known(object_id) is (expected is not None)
        assert (world.body(object_id) is not None) is bool(expected)
    for part in range(256):
        assert not sweep(
            world.store, world.project, part, now=time.time() + LATER
        ).missing
    assert world.keys() == world.referred()


@pytest.mark.timeout(900)
def test_a_run_that_is_killed_anywhere_leaves_nothing_half_gone(
    mortals: subprocess.Popen[str], tmp_path: Path, tally: Tally
) -> None:
    fate = prepared(tmp_path / "prepared")
    step, kills = 1, 0
    while True:
        directory = tmp_path / "store"
        shutil.copytree(tmp_path / "prepared", directory)
        killed = is_killed(mortals, directory, step)
        store = open_store(StoreSettings(directory))
        with store.state.write() as connection:
            project = ensure_project(connection, "cf", "blackhole")
        world = World(store, project)
        check_between(world, fate)
        # The lease of a dead server ends by itself.
        assert world.run(NOW + 200)
        check_end(world, fate)
        store.close()
        shutil.rmtree(directory)
        if not killed:
            break
        kills += 1
        step += STRIDE
        tally("retention killed between any two calls", whole=1)
    assert kills > 10
