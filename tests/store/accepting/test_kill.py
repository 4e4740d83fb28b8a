"""kill -9 between any two steps: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import attrs
import pytest
from sqlalchemy import select

from conftest import Tally
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.queue import backlog
from coresnap.store.accepting.rows import find_faults
from coresnap.store.accepting.sweeper import sweep
from coresnap.store.access.projects import find_project
from coresnap.store.attributes.known import known
from coresnap.store.index.segments import decode_segment, segment_number
from coresnap.store.objects.keys import bodies_prefix, body_parts
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.project import Project
from coresnap.store.query.query import Query
from coresnap.store.state.tables.groups import FINGERPRINTS
from coresnap.store.store import Store
from store.accepting.mortal import SURVIVORS, WITHOUT_BODY, script
from store.conftest import TEMPLATE
from store.mortal_process import answer_of, mortal_process
from store.postgresql_server import PostgresqlServer
from store.seaweedfs_server import SeaweedfsServer

SCRIPT = Path(__file__).with_name("mortal.py")
LATER = 2 * 3600


@attrs.frozen
class Mortals:
    """Forks a child for each trial, so that Python starts once."""

    process: subprocess.Popen[str]

    def run(self, settings: StoreSettings, step: int) -> bool:
        """Let one run until its ``step``; return False if it came to its end."""
        directory = settings.directory.parent
        line = f"{directory}\t{settings.database_url}\t{settings.objects_url}\t{step}"
        answer = answer_of(self.process, line)
        assert answer in ("killed", "done")
        return answer == "killed"


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    with mortal_process(SCRIPT) as process:
        yield Mortals(process)


def acknowledged(settings: StoreSettings) -> int:
    path = settings.directory.parent / "acknowledged"
    return path.stat().st_size if path.exists() else 0


def go_on(store: Store, project: Project, done: int) -> None:
    """Ask again for what nobody acknowledged, as clients do."""
    for task in script(store, project)[done:]:
        task()
    Indexer(store).run_once()


def check(store: Store, project: Project) -> None:
    _check_state(store, project)
    _check_index(store, project)
    _check_segments(store, project)
    _check_bodies(store, project)


def _check_state(store: Store, project: Project) -> None:
    with store.state.read() as connection:
        rows = find_faults(connection, project, list(SURVIVORS))
        columns = select(FINGERPRINTS.c.fingerprint, FINGERPRINTS.c.count)
        counts = {name: number for name, number in connection.execute(columns)}
    assert {row.object: row.digest for row in rows} == {
        object_id: sent.arrival.digest for object_id, sent in SURVIVORS.items()
    }
    expected = Counter(sent.arrival.fingerprint for sent in SURVIVORS.values())
    assert {name: counted for name, counted in counts.items() if counted} == expected
    assert backlog(store.state).depth == 0


def _check_index(store: Store, project: Project) -> None:
    with store.state.read() as connection:
        attributes = known(connection, project)
    columns = ("object", "fingerprint", "object.size")
    result = store.index.query(project.id, Query(select=columns), attributes)
    assert sorted(row.values for row in result.rows) == sorted(
        (object_id, sent.arrival.fingerprint, sent.arrival.size)
        for object_id, sent in SURVIVORS.items()
    )


def _check_segments(store: Store, project: Project) -> None:
    """What an index would be made from is there, without gaps, and says the same."""
    found = sorted(s.key for s in store.objects.list(f"{project.id}/segments/"))
    assert [segment_number(key) for key in found] == list(range(1, len(found) + 1))
    told: dict[int, str] = {}
    for number, key in enumerate(found, 1):
        with store.objects.open(key) as file:
            segment = decode_segment(file.read(), project.id, number)
        told |= {fault.sequence: fault.object for fault in segment.faults}
        told = {k: v for k, v in told.items() if v not in segment.removed}
    assert sorted(told.values()) == sorted(SURVIVORS)


def _check_bodies(store: Store, project: Project) -> None:
    """Each fault has its body; what killed puts left is swept up."""
    keys = [stored.key for stored in store.objects.list(bodies_prefix(project.id))]
    objects = {*SURVIVORS, *(body_parts(key)[0] for key in keys)}
    # The other parts have neither a fault nor a body.
    for part in sorted({int(object_id[:2], 16) for object_id in objects}):
        swept = sweep(store, project, part, now=time.time() + LATER)
        assert not swept.missing
    bodies = {}
    for stored in store.objects.list(bodies_prefix(project.id)):
        with store.objects.open(stored.key) as file:
            bodies[stored.key.rpartition("/")[2].partition(".")[0]] = file.read()
    assert bodies == {
        object_id: sent.body
        for object_id, sent in SURVIVORS.items()
        if object_id != WITHOUT_BODY
    }


def survive(mortals: Mortals, settings: StoreSettings, step: int) -> bool:
    """Kill at one step and go on; return False if there are no more steps."""
    was_killed = mortals.run(settings, step)
    store = open_store(settings)
    try:
        with store.state.read() as connection:
            project = find_project(connection, "cf", "blackhole")
        go_on(store, project, acknowledged(settings))
        check(store, project)
    finally:
        store.close()
    return was_killed


@pytest.mark.parametrize(
    ("sign", "least"),
    [(1, 40), pytest.param(-1, 300, marks=pytest.mark.slow)],
    ids=["commits_and_places", "every_call"],
)
def test_a_store_on_one_machine_killed_at_any_step_loses_and_doubles_nothing(
    mortals: Mortals, tmp_path: Path, tally: Tally, sign: int, least: int
) -> None:
    for step in count(1):
        directory = tmp_path / str(step)
        directory.mkdir()
        if not survive(mortals, StoreSettings(directory / "store"), sign * step):
            break
    assert step > least
    tally("store in one directory killed between any two calls", whole=step - 1)


@pytest.mark.postgresql
@pytest.mark.s3
def test_a_store_on_servers_killed_at_any_step_loses_and_doubles_nothing(
    mortals: Mortals,
    tmp_path: Path,
    postgresql: PostgresqlServer,
    seaweedfs: SeaweedfsServer,
    tally: Tally,
) -> None:
    killed = 0
    for step in count(1, 5):  # every fifth: servers take longer
        directory = tmp_path / str(step)
        directory.mkdir()
        database = f"kill_{step}"
        settings = StoreSettings(
            directory / "store",
            postgresql.create(database, template=TEMPLATE),
            seaweedfs.url(f"kill-{time.time_ns()}"),
        )
        was_killed = survive(mortals, settings, step)
        postgresql.drop(database)
        if not was_killed:
            break
        killed += 1
    assert killed > 8
    tally("a server on PostgreSQL and S3 killed between two calls", whole=killed)
