"""A snapshot is opened in the viewer."""

from __future__ import annotations

import gc
import os

from coresnap.snapshot.container import open_snapshot
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.position import Position
from coresnap.views.viewer.app import Viewer

__all__ = ["view_snapshot"]


def view_snapshot(
    source: str | os.PathLike[str] | int, position: Position | None = None
) -> None:
    """Show a snapshot, given by path or descriptor, until the reader leaves.

    Raises as ``open_snapshot`` does, and MissingError if nothing is at ``position``.
    """
    name = "" if isinstance(source, int) else os.fspath(source)
    with open_snapshot(source) as reader:
        fault = Fault.opened(reader)
        if position is not None:
            fault.find(position)
        # The commands live too briefly for it; here cycles come with every message.
        # What was read stays, and is not looked through again.
        gc.freeze()
        gc.enable()
        Viewer(fault, position, name).run()
