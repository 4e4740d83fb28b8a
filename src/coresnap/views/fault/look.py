"""How a page shows a fault: where its links lead, and how much of it is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from coresnap.views.fault.position import Position
from coresnap.views.fault.shortened import shortened
from coresnap.views.fault.value import Value

__all__ = ["Links", "Look", "anchor"]

_ANCHOR_MAX = 500


class Links(Protocol):
    """Where links lead; an empty text is no link."""

    def at(self, position: Position) -> str:
        """To a thread, frame or variable."""

    def memory(self, address: int) -> str:
        """To memory."""

    def section(self, name: str) -> str:
        """To a section."""


class Look:
    """The budget of a page that is being made, as far as it is not spent."""

    def __init__(
        self,
        links: Links,
        values: int,
        depth: int,
        is_kept: Callable[[int], bool] = lambda address: False,
        frames: int = 0,
        is_anchored: bool = False,
    ) -> None:
        """``values``: lines of variables at most; ``depth``: levels that are shown.

        ``is_kept`` says of an address whether its memory can be shown; ``frames`` how
        many of them are shown with source and variables. ``is_anchored``: everything is
        on the page once, and links within it lead there.
        """
        self.links = links
        self._values = values
        self._depth = depth
        self._is_kept = is_kept
        self._frames = frames
        self._is_anchored = is_anchored

    @property
    def is_spent(self) -> bool:
        """Whether no more variables are shown."""
        return self._values <= 0

    def take(self) -> bool:
        """Take a line of the budget for variables; False if there is none."""
        self._values -= 1
        return self._values >= 0

    def take_frame(self) -> bool:
        """Take a frame of the budget for whole ones; False if there is none."""
        self._frames -= 1
        return self._frames >= 0 and not self.is_spent

    def opens(self, value: Value, level: int) -> bool:
        """Whether what is in a value stands on the page."""
        return value.has_children and level < self._depth and not self.is_spent

    def memory(self, address: int | None) -> str:
        """Return the link to memory that the snapshot keeps."""
        if address is None or not self._is_kept(address):
            return ""
        return self.links.memory(address)

    @staticmethod
    def position(owner: Position, value: Value) -> Position:
        """Return the position of a value in what ``owner`` is."""
        return Position(owner.thread, owner.frame, value.path)

    def anchor(self, position: Position) -> str:
        """Return the id of an element; empty where elements have none."""
        return anchor(position) if self._is_anchored else ""


def anchor(position: Position) -> str:
    """Return the id of the element that shows ``position``: no blanks are in it."""
    return "_".join(shortened(str(position), _ANCHOR_MAX).split())
