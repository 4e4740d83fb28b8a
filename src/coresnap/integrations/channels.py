"""The kinds of channels there are. One line registers a kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from coresnap.errors import ConfigError
from coresnap.integrations.jira.kind import JIRA
from coresnap.integrations.kind import ChannelSetting, Kind
from coresnap.integrations.mail.kind import MAIL
from coresnap.integrations.reach import Reach
from coresnap.integrations.slack.kind import SLACK
from coresnap.integrations.webhook.kind import WEBHOOK
from coresnap.model.notice import Channel

__all__ = ["KINDS", "ChannelSetting", "Kind", "open_channel"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (SLACK, JIRA, MAIL, WEBHOOK)}
)
"""By name."""


def open_channel(kind: str, settings: Mapping[str, str], reach: Reach) -> Channel:
    """Return a channel of a kind. Raises ConfigError."""
    if kind not in KINDS:
        raise ConfigError(
            f"there is no kind of integration {kind[:40]}",
            remedy=f"There are {', '.join(KINDS)}.",
        )
    return KINDS[kind].open(settings, reach)
