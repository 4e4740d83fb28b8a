"""Places that fail while clients put: what was acknowledged is there, and only once."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from conftest import Tally
from coresnap.errors import NoSpaceError, StorageError
from coresnap.store.accepting import accept as accepting
from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.queue import backlog
from coresnap.store.accepting.rows import find_fault
from coresnap.store.access.projects import ensure_project
from coresnap.store.attributes.known import known
from coresnap.store.objects.s3 import Bucket, S3Objects
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.project import Project
from coresnap.store.query.query import Query
from coresnap.store.state.tables.faults import FAULTS
from coresnap.store.store import Store
from store.accepting.breaking_proxy import breaking
from store.arrivals import Sent, make_sent
from store.postgresql_server import running_postgresql
from store.seaweedfs_server import (
    ACCESS_KEY,
    BUCKET,
    SECRET_KEY,
    SeaweedfsServer,
)

FULL_BYTES = 6 << 20
CLIENTS = 6


@contextlib.contextmanager
def opened(settings: StoreSettings) -> Iterator[tuple[Store, Project]]:
    store = open_store(settings)
    try:
        with store.state.write() as connection:
            project = ensure_project(connection, "cf", "blackhole")
        yield store, project
    finally:
        store.close()


def put_until_it_works(store: Store, project: Project, sent: Sent) -> int:
    """Put as clients do: again until it is acknowledged; return the failures."""
    deadline = time.monotonic() + 120
    failures = 0
    while True:
        try:
            accept(store, project, sent.arrival, sent.staged)
            return failures
        except StorageError:
            failures += 1
            assert time.monotonic() < deadline
            time.sleep(0.05)


def check_all_there_once(store: Store, project: Project, sent: list[Sent]) -> None:
    """State, bodies and index have each of them once."""
    Indexer(store).run_once()
    objects = sorted(one.arrival.object for one in sent)
    with store.state.read() as connection:
        rows = connection.execute(select(FAULTS.c.object)).scalars()
        assert sorted(rows) == objects
        attributes = known(connection, project)
    query = Query(select=("object",), limit=len(sent) + 1)
    result = store.index.query(project.id, query, attributes)
    assert sorted(str(row.values[0]) for row in result.rows) == objects
    for one in sent:
        with store.state.read() as connection:
            row = find_fault(connection, project, one.arrival.object)
        assert row is not None
        with store.objects.open(row.key) as file:
            assert file.read() == one.body
    assert backlog(store.state).depth == 0


@pytest.mark.postgresql
def test_a_database_that_restarts_in_the_middle_of_puts_is_waited_for(
    tmp_path: Path, tally: Tally
) -> None:
    sent = [make_sent(number, kind=number % 5) for number in range(400)]
    with running_postgresql() as server:
        settings = StoreSettings(tmp_path / "store", server.create("store"))
        with opened(settings) as (store, project):
            is_over = threading.Event()

            def restart() -> None:
                for mode in ("fast", "immediate", "fast"):
                    time.sleep(0.4)
                    server.stop(mode)
                    time.sleep(0.3)
                    server.start()
                is_over.set()

            restarting = threading.Thread(target=restart)
            restarting.start()
            with ThreadPoolExecutor(CLIENTS) as threads:
                failures = sum(
                    threads.map(
                        lambda one: put_until_it_works(store, project, one), sent
                    )
                )
            restarting.join()
            check_all_there_once(store, project, sent)

    assert is_over.is_set()
    assert failures == 0  # it was waited for
    tally("PostgreSQL stopped and started in the middle of puts", whole=len(sent))


@pytest.mark.s3
def test_connections_to_s3_that_break_cost_attempts_and_nothing_else(
    tmp_path: Path, seaweedfs: SeaweedfsServer, tally: Tally
) -> None:
    sent = [make_sent(number, kind=number % 5) for number in range(60)]
    with breaking(seaweedfs.port) as proxy:
        url = seaweedfs.url(f"breaking-{time.time_ns()}", port=proxy.port)
        with opened(StoreSettings(tmp_path / "store", objects_url=url)) as places:
            proxy.broken = 0.3
            with ThreadPoolExecutor(CLIENTS) as threads:
                list(threads.map(lambda one: put_until_it_works(*places, one), sent))
            proxy.broken = 0.0
            check_all_there_once(*places, sent)

    assert proxy.breaks > 10
    tally("S3 hangs up after three of ten answers", whole=len(sent))


@pytest.mark.s3
def test_s3_that_is_not_there_is_an_error_and_the_put_is_nothing(
    tmp_path: Path, seaweedfs: SeaweedfsServer, tally: Tally
) -> None:
    sent = make_sent(1)
    with breaking(seaweedfs.port) as proxy:
        url = seaweedfs.url(f"refusing-{time.time_ns()}", port=proxy.port)
        with opened(StoreSettings(tmp_path / "store", objects_url=url)) as places:
            store, project = places
            proxy.refuses = True
            with pytest.raises(StorageError) as caught:
                accept(store, project, sent.arrival, sent.staged)
            assert backlog(store.state).depth == 0
            proxy.refuses = False
            accept(store, project, sent.arrival, sent.staged)
            check_all_there_once(store, project, [sent])

    assert "of-these-tests-only" not in f"{caught.value}"
    tally("S3 is not there, and then it is", whole=1)


@pytest.mark.s3
def test_s3_that_is_too_slow_is_given_up(seaweedfs: SeaweedfsServer) -> None:
    with breaking(seaweedfs.port) as proxy:
        proxy.delay = 1.0
        bucket = Bucket(
            BUCKET,
            endpoint=f"http://127.0.0.1:{proxy.port}",
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
        )
        objects = S3Objects(bucket, read_seconds=0.1)
        with pytest.raises(StorageError, match="timeout"):
            objects.put("slow", io.BytesIO(b"body"), 4)
        objects.close()


@pytest.mark.s3
def test_credentials_that_s3_refuses_are_said_to_be_so(
    tmp_path: Path, seaweedfs: SeaweedfsServer
) -> None:
    wrong = tmp_path / "credentials"
    wrong.write_text(
        "[default]\naws_access_key_id = coroner\naws_secret_access_key = hunter2\n"
    )
    url = seaweedfs.url("denied").replace(str(seaweedfs.credentials), str(wrong))
    sent = make_sent(1)
    with (
        opened(StoreSettings(tmp_path / "store", objects_url=url)) as places,
        pytest.raises(StorageError, match="refuses our credentials") as caught,
    ):
        accept(*places, sent.arrival, sent.staged)

    assert "hunter2" not in f"{caught.value} {caught.value.remedy}"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={FULL_BYTES}", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("may not mount a tmpfs here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.root
@pytest.mark.parametrize("place", ["objects", "state", "index"])
def test_a_disk_that_is_full_refuses_puts_and_loses_none(
    tmp_path: Path, small_disk: Path, place: str, tally: Tally
) -> None:
    """Objects are bodies; state and index fill with attributes until something ends."""
    directory = tmp_path / "store"
    directory.mkdir()
    name = "state.sqlite" if place == "state" else place
    if place == "state":
        # SQLite's other files go where the link leads.
        (directory / name).symlink_to(small_disk / name)
        (small_disk / name).touch()
        settings = StoreSettings(
            directory, database_url=f"sqlite:///{small_disk / name}"
        )
    else:
        (directory / name).symlink_to(small_disk)
        settings = StoreSettings(directory)
    acknowledged: list[Sent] = []
    refused: list[Sent] = []
    behind = 0
    with opened(settings) as (store, project):
        for number in range(2000):
            body = os.urandom(60_000 if place == "objects" else 100)
            text = os.urandom(4000 if place != "objects" else 10).hex()
            sent = make_sent(number, kind=number, body=body, comment=f"{number}{text}")
            try:
                accept(store, project, sent.arrival, sent.staged)
                acknowledged.append(sent)
            except NoSpaceError:
                refused.append(sent)
                if len(refused) == 3:
                    break
            if place == "index" and number % 5 == 0:
                try:
                    Indexer(store).run_once()
                except StorageError:
                    behind += 1
                    if behind == 3:
                        break
        subprocess.run(
            ["mount", "-o", "remount,size=200m", str(small_disk)], check=True
        )
        for sent in refused:
            accept(store, project, sent.arrival, sent.staged)
        check_all_there_once(store, project, acknowledged + refused)

    # With a full index nobody is refused: what waits is kept.
    assert (len(refused), behind) == ((0, 3) if place == "index" else (3, 0))
    tally(
        f"a full disk under {place}; then there is room",
        whole=len(acknowledged) + len(refused),
    )


def test_a_clock_that_is_set_back_changes_no_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    sent = [make_sent(number) for number in range(30)]
    moments = iter([1_800_000_000, 1_700_000_000, 1_600_000_000] * 40)

    class SetBack:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def time() -> float:
            return next(moments)

    with opened(StoreSettings(tmp_path / "store")) as (store, project):
        monkeypatch.setattr(accepting, "time", SetBack)
        for one in sent:
            accept(store, project, one.arrival, one.staged)
            Indexer(store).run_once()
        check_all_there_once(store, project, sent)
        with store.state.read() as connection:
            rows = [find_fault(connection, project, s.arrival.object) for s in sent]

    assert [row.sequence for row in rows if row] == list(range(1, 31))
    tally("the store's clock set back by years between puts", whole=len(sent))
