"""A store with one project, in every placement."""

from __future__ import annotations

import pytest

from coresnap.store.index.contract import Index
from coresnap.store.objects.contract import Objects
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.store import Store
from store.retention.world import World


@pytest.fixture
def world(state: State, objects: Objects, index: Index, project: Project) -> World:
    return World(Store(state, objects, index), project)
