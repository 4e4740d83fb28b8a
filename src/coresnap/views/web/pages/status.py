"""How the server does."""

from __future__ import annotations

import time
from collections.abc import Iterator

from coresnap.snapshot.duration import duration
from coresnap.store.api.service import Status
from coresnap.store.server.call import Content
from coresnap.views.quantity import decimal_size
from coresnap.views.web.drawing.bars import share_bar
from coresnap.views.web.page import Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_LATE = 60
"""Seconds after which waiting for the index is no longer usual."""
_LOW = 0.05
"""Part of the disk that should be free."""


def _show(visit: Visit) -> Shown | Redirect | Content:
    status: Status = visit.ask("status")
    used = 1 - status.disk_free / status.disk_size if status.disk_size else 0.0
    context = {
        "status": status,
        "troubles": list(_troubles(status)),
        "up": duration(max(1, time.time() - status.started)),
        "waited": duration(max(1, status.oldest)),
        "used": used,
        "share_bar": share_bar,
    }
    return Shown("status.html", context)


def _troubles(status: Status) -> Iterator[str]:
    """Yield what an operator should see to, in sentences."""
    if status.oldest > _LATE:
        waited = duration(status.oldest)
        yield f"Faults wait for the index: {status.queued}, the first for {waited}."
    if status.disk_free < _LOW * status.disk_size:
        yield f"The disk is nearly full: {decimal_size(status.disk_free)} are free."
    for loop in status.loops:
        if loop.error:
            yield f"{loop.name} fails: {loop.error}"


PAGES = (Page("/status", _show),)
