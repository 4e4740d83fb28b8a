"""Where somebody looks: what the tabs follow."""

from __future__ import annotations

import msgspec

from coresnap.views.fault.stack import FrameView, ThreadView
from coresnap.views.fault.value import Value

__all__ = ["Looked"]


class Looked(msgspec.Struct, frozen=True):
    """What is selected in the panes."""

    thread: ThreadView | None = None
    frame: FrameView | None = None
    value: Value | None = None
