"""Fixtures of the store: the places where it keeps things, each in all its kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.store.access.projects import ensure_project
from coresnap.store.objects.contract import Objects
from coresnap.store.objects.files import FileObjects
from coresnap.store.project import Project
from coresnap.store.state.state import State


@pytest.fixture(params=["sqlite"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    """The state, empty, with its tables."""
    state = State(f"sqlite:///{tmp_path}/state.sqlite")
    state.prepare()
    yield state
    state.close()


@pytest.fixture(params=["files"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    """A place for objects, empty."""
    objects = FileObjects(tmp_path / "objects")
    yield objects
    objects.close()


@pytest.fixture
def project(state: State) -> Project:
    """A project in ``state``: cf/blackhole."""
    with state.write() as connection:
        return ensure_project(connection, "cf", "blackhole")
