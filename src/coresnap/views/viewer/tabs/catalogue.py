"""Which tabs there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from coresnap.views.fault.fault import Fault
from coresnap.views.viewer.line import Line
from coresnap.views.viewer.looked import Looked
from coresnap.views.viewer.tabs import address_space, code, kept, keys, process, verdict

__all__ = ["GLOBALS", "MEMORY", "TABS", "Tab", "tab_named"]

Show = Callable[[Fault, Looked, int], Sequence[Line]]


class Tab(msgspec.Struct, frozen=True):
    """One tab."""

    name: str
    show: Show | None = None
    """Makes the lines, for a width in columns; None where the router has its own."""
    follows: bool = False
    """Whether it shows what is selected in the other panes."""


MEMORY = Tab("memory", follows=True)
GLOBALS = Tab("globals")
TABS = (
    Tab("summary", verdict.summary),
    Tab("source", code.source, follows=True),
    Tab("registers", code.registers, follows=True),
    MEMORY,
    Tab("heap", address_space.heap),
    GLOBALS,
    Tab("modules", address_space.modules),
    Tab("mappings", address_space.mappings),
    Tab("files", process.files),
    Tab("limits", process.limits),
    Tab("environment", process.environment),
    Tab("attributes", process.attributes),
    Tab("system", process.system),
    Tab("warnings", verdict.warnings),
    Tab("kept", kept.kept),
    Tab("keys", keys.keys),
)
"""In the order of the bar."""


def tab_named(start: str) -> Tab | None:
    """Return the first tab whose name begins so."""
    return next((tab for tab in TABS if start and tab.name.startswith(start)), None)
