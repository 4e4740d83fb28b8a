"""Slack, before anything of it is set."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.integrations.kind import ChannelSetting, Kind
from coresnap.integrations.reach import Reach
from coresnap.model.notice import Channel

__all__ = ["SLACK"]


def _open(settings: Mapping[str, str], reach: Reach) -> Channel:
    from coresnap.integrations.slack.opening import open_slack

    return open_slack(settings, reach)


SLACK = Kind(
    "slack",
    "Slack",
    (
        ChannelSetting(
            "token",
            "token of a bot that may chat:write, xoxb-…; with it one message per group "
            "is changed as counts grow",
            is_secret=True,
        ),
        ChannelSetting(
            "channel", "the bot's channel, best by its id: C0123456789, or #crashes"
        ),
        ChannelSetting(
            "webhook",
            "instead of a token: address of an incoming webhook, which adds messages "
            "and changes none",
            is_secret=True,
        ),
        ChannelSetting(
            "api",
            "address of Slack's API",
            default="https://slack.com/api",
        ),
    ),
    _open,
)
