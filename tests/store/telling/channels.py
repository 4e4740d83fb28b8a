"""A channel that writes down what it is told, and fails as tests want."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import attrs

from coresnap.errors import ConfigError
from coresnap.model.notice import Change, Channel, Delivered, Notice, Ticket
from coresnap.store.api.telling import ChannelKind, ChannelSetting
from coresnap.store.telling.ways import Ways

__all__ = ["SECRET", "Board"]

SECRET = "xoxb-very-secret"
_KIND = ChannelKind(
    "board",
    "Board",
    (
        ChannelSetting("place", "where it hangs", is_required=True),
        ChannelSetting("token", "who we are", is_secret=True),
    ),
)


@attrs.define
class Board:
    """Where everything is pinned; also the channel itself."""

    kind: str = "board"
    pace: float = 0.0
    pinned: list[Notice] = attrs.field(factory=list)
    remembered: list[Mapping[str, str]] = attrs.field(factory=list)
    failures: list[Exception] = attrs.field(factory=list)
    """What the next deliveries fail with."""
    waiting: list[Change] = attrs.field(factory=list)
    """What was done at the board."""
    ticket: Ticket | None = None
    remembers: bool = True

    def deliver(self, notice: Notice, memory: Mapping[str, str]) -> Delivered:
        if self.failures:
            raise self.failures.pop(0)
        self.pinned.append(notice)
        self.remembered.append(dict(memory))
        kept = {"pin": str(len(self.pinned))} if self.remembers else {}
        return Delivered(kept, f"pinned with {SECRET}", self.ticket)

    def preview(self, notice: Notice, memory: Mapping[str, str]) -> str:
        return f"{notice.event}: {notice.title} {SECRET} {dict(memory)}"

    def changes(
        self, remembered: Mapping[str, Mapping[str, str]], since: int
    ) -> Iterable[Change]:
        found, self.waiting = self.waiting, []
        yield from (change for change in found if change.group in remembered)

    def close(self) -> None:
        pass

    @property
    def told(self) -> list[tuple[str, str]]:
        """Event and group of each notice."""
        return [(notice.event.value, notice.group) for notice in self.pinned]

    def ways(self) -> Ways:
        def opened(kind: str, settings: Mapping[str, str]) -> Channel:
            if kind != "board" or not settings.get("place"):
                raise ConfigError("a board needs place")
            return cast("Channel", self)

        return Ways({"board": _KIND}, opened, "https://crashes.example")
