"""What the pieces of a fault's page make of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from coresnap.views.fault.memory import MemoryRow, MemoryRun
from coresnap.views.fault.shortened import shortened
from coresnap.views.fault.stack import ThreadGroup

__all__ = ["FILTERS"]

_STATES = frozenset({"live", "free", "top", "metadata", "unknown", "damaged"})


def _hex(number: int) -> str:
    return f"{number:#x}"


def _cells(row: MemoryRow) -> Markup:
    """Return the bytes of a row, those of a block together."""
    return Markup(" ").join(_run(run) for run in row.runs)


def _run(run: MemoryRun) -> Markup:
    """Nothing in it is text of the process: digits, and words of ours."""
    digits = "··" if run.data is None else run.data.hex(" ")
    digits = " ".join([digits] * run.size) if run.data is None else digits
    if run.state not in _STATES:
        return Markup("<code>{}</code>").format(digits)
    title = run.state
    if run.block is not None:
        title += f" block {run.block.address:#x} of {run.block.size} bytes"
    markup = Markup('<code class="state {}" title="{}">{}</code>')
    return markup.format(run.state, title, digits)


def _unnamed(item: Any) -> tuple[str, Any]:  # noqa: ANN401 - a part of an annotation
    return "", item


def _threads_in(group: ThreadGroup) -> frozenset[str]:
    return frozenset(thread.position.thread for thread in group.threads)


FILTERS: Mapping[str, Callable[..., object]] = {
    "cells": _cells,
    "hex": _hex,
    "shortened": shortened,
    "threads_in": _threads_in,
    "unnamed": _unnamed,
}
"""For ``jinja2.Environment.filters``."""
