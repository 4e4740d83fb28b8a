"""What the server counts of itself."""

from __future__ import annotations

import time

import attrs

from coresnap.store.api.service import LoopStatus

__all__ = ["Counters"]


@attrs.define
class Counters:
    """Since the start. Counted in one thread each, read by any."""

    started: int = attrs.field(factory=lambda: int(time.time()))
    """Seconds, UTC since the epoch."""
    requests: int = 0
    refused: int = 0
    failed: int = 0
    invalid: int = 0
    active: int = 0
    """Requests that are being answered."""
    loops: dict[str, LoopStatus] = attrs.field(factory=dict)

    def count(self, status: int) -> None:
        """Count one answer."""
        self.requests += 1
        if status >= 500:
            self.failed += 1
        elif status >= 400:
            self.refused += 1
