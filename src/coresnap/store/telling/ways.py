"""The kinds of channels that whoever runs the store knows how to open."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from coresnap.errors import ConfigError
from coresnap.model.notice import Channel
from coresnap.store.api.telling import ChannelKind

__all__ = ["Ways"]


def _none(kind: str, settings: Mapping[str, str]) -> Channel:
    raise ConfigError(
        f"this server knows no integration of the kind {kind[:40]}",
        remedy="Run pip install 'coresnap[integrations]' where it runs.",
    )


@attrs.frozen
class Ways:
    """The store knows channels by their contract alone; these are given to it."""

    kinds: Mapping[str, ChannelKind] = attrs.field(factory=dict)
    open: Callable[[str, Mapping[str, str]], Channel] = _none
    """From a kind and its settings. Raises ConfigError; sends nothing."""
    url: str = ""
    """Where people reach the console, without a slash at the end; empty: unknown."""

    def secrets_of(self, kind: str) -> frozenset[str]:
        """Return the names of a kind's secrets."""
        known = self.kinds.get(kind)
        if known is None:
            return frozenset()
        return frozenset(s.name for s in known.settings if s.is_secret)
