"""A project with rules and a channel, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from coresnap.model.notice import Event
from coresnap.store.api.telling import NewChannel, TellingRule
from coresnap.store.index.contract import Index
from coresnap.store.index.opening import open_index
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.store import Store
from coresnap.store.telling.configured import set_channel
from coresnap.store.telling.delivering import Delivering
from coresnap.store.telling.detecting import detect
from coresnap.store.telling.ruling import set_rule
from store.groups.world import World
from store.telling.channels import SECRET, Board

CHANNEL = "hall"


@attrs.define
class Telling:
    """What a server does in its loops, one step at a time."""

    world: World
    index: Index
    board: Board = attrs.field(factory=Board)
    now: float = 0.0

    @property
    def project(self) -> Project:
        return self.world.project

    def store(self) -> Store:
        return self.world.written(self.index)

    def channel(self, name: str = CHANNEL) -> None:
        wanted = NewChannel("board", {"place": "hall", "token": SECRET})
        with self.world.state.write() as connection:
            set_channel(connection, self.project, name, wanted, self.board.ways())

    def rule(
        self,
        *events: Event,
        name: str = "rule",
        channel: str = CHANNEL,
        **fields: object,
    ) -> None:
        wanted = TellingRule(channel, events, **fields)  # type: ignore[arg-type]
        with self.world.state.write() as connection:
            set_rule(connection, self.project, name, wanted, self.world.now)

    def look(self, now: int | None = None) -> int:
        return detect(self.store(), self.project, now or self.world.now)

    def deliver(self, name: str = CHANNEL) -> int:
        self.now = max(self.now, self.world.now)
        ways = self.board.ways()
        return Delivering(self.store(), self.project, name, ways, self._tick).run()

    def _tick(self) -> float:
        self.now += 0.01
        return self.now


@pytest.fixture
def telling(state: State, project: Project, tmp_path: Path) -> Iterator[Telling]:
    """A project with one channel and no rule."""
    index = open_index("", tmp_path / "index")
    telling = Telling(World(state, project), index)
    telling.channel()
    yield telling
    index.close()
