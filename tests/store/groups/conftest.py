"""The world of the groups' tests, on both databases."""

from __future__ import annotations

import pytest

from coresnap.store.project import Project
from coresnap.store.state.state import State
from store.groups.world import World


@pytest.fixture
def world(state: State, project: Project) -> World:
    """A project without faults."""
    return World(state, project)
