"""The store: the three places in which it keeps what it keeps."""

from __future__ import annotations

import attrs

from coresnap.store.index.contract import Index
from coresnap.store.objects.contract import Objects
from coresnap.store.ownership import Ownership
from coresnap.store.state.state import State

__all__ = ["Store"]


@attrs.frozen
class Store:
    """State, objects and index of one placement.

    The objects are the truth of what was sent, the state of what was decided; the
    index can be made again from both.
    """

    state: State
    objects: Objects
    index: Index
    owned: Ownership | None = None
    """The directory that something of it lies in."""

    def close(self) -> None:
        """Let go of everything."""
        self.index.close()
        self.objects.close()
        self.state.close()
        if self.owned is not None:
            self.owned.release()
