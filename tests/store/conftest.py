"""Fixtures of the store: the places where it keeps things, each in all its kinds."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from coresnap.store.access.projects import ensure_project
from coresnap.store.index.contract import Index
from coresnap.store.index.opening import open_index
from coresnap.store.objects.contract import Objects
from coresnap.store.objects.opening import open_objects
from coresnap.store.project import Project
from coresnap.store.state.state import State
from store.clickhouse_server import ClickHouseServer, running_clickhouse
from store.postgresql_server import PostgresqlServer, running_postgresql
from store.seaweedfs_server import SeaweedfsServer, running_seaweedfs

TEMPLATE = "template_of_states"
"""A database that others are copies of: making all tables takes longer."""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A server; a test that uses this wants the marker ``postgresql``."""
    with running_postgresql() as server:
        state = State(server.create(TEMPLATE))
        state.prepare()
        state.close()
        yield server


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[SeaweedfsServer]:
    """An S3 server; a test that uses this wants the marker ``s3``."""
    with running_seaweedfs() as server:
        yield server


@pytest.fixture(scope="session")
def drop_database(postgresql: PostgresqlServer) -> Iterator[Callable[[str], None]]:
    """Drop a database while the next test runs; one that failed is an error."""
    drops: list[Future[None]] = []
    with ThreadPoolExecutor(1) as thread:
        yield lambda name: drops.append(thread.submit(postgresql.drop, name))
    for drop in drops:
        drop.result()


@pytest.fixture
def database_url(
    postgresql: PostgresqlServer, drop_database: Callable[[str], None]
) -> Iterator[str]:
    """The URL of a database of PostgreSQL that has the tables, and nothing in them."""
    name = f"test_{secrets.token_hex(6)}"
    yield postgresql.create(name, template=TEMPLATE)
    drop_database(name)


@pytest.fixture
def bucket_url(seaweedfs: SeaweedfsServer) -> str:
    """The URL of an empty place in a bucket."""
    return seaweedfs.url(f"test-{secrets.token_hex(6)}")


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    """The state, empty, with its tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/state.sqlite"
    else:
        url = request.getfixturevalue("database_url")
    state = State(url)
    state.prepare()
    yield state
    state.close()


@pytest.fixture(params=["files", pytest.param("s3", marks=pytest.mark.s3)])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    """A place for objects, empty."""
    if request.param == "files":
        url = str(tmp_path / "objects")
    else:
        url = request.getfixturevalue("bucket_url")
    objects = open_objects(url)
    yield objects
    objects.close()


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[ClickHouseServer]:
    """A server; a test that uses this wants the marker ``clickhouse``."""
    with running_clickhouse() as server:
        yield server


@pytest.fixture
def clickhouse_url(clickhouse: ClickHouseServer) -> Iterator[str]:
    """The URL of an empty database of ClickHouse."""
    name = f"test_{secrets.token_hex(6)}"
    yield clickhouse.url(name)
    clickhouse.drop(name)


@pytest.fixture(
    params=["duckdb", pytest.param("clickhouse", marks=pytest.mark.clickhouse)]
)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """An index, empty."""
    url = ""
    if request.param == "clickhouse":
        url = request.getfixturevalue("clickhouse_url")
    index = open_index(url, tmp_path / "index")
    yield index
    index.close()


@pytest.fixture
def project(state: State) -> Project:
    """A project in ``state``: cf/blackhole."""
    with state.write() as connection:
        return ensure_project(connection, "cf", "blackhole")
