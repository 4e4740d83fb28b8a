"""Where the links of a fault's page lead: every frame, variable and byte has a URL."""

from __future__ import annotations

import attrs

from coresnap.views.fault.position import Position
from coresnap.views.web.address import Address

__all__ = ["FaultAddress"]

_PATH_MAX = 1000
"""Characters of a variable's path; servers and browsers bear URLs of some thousands."""


@attrs.frozen
class FaultAddress:
    """Links of one fault's page; each keeps what it does not change."""

    here: Address

    def at(self, position: Position) -> str:
        """To a thread, frame or variable."""
        if len(position.variable) > _PATH_MAX:
            return ""
        part = "#variable" if position.variable else "#frame"
        return f"{self.here.with_('at', str(position))}{part}"

    def memory(self, address: int) -> str:
        """To memory."""
        there = self.here.with_("tab", "memory").with_("address", f"{address:#x}")
        return f"{there}#part"

    def section(self, name: str) -> str:
        """To a section."""
        return f"{self.here.with_('tab', name).with_('address')}#part"
