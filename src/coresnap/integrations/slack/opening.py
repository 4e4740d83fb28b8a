"""What is set of a Slack channel decides which of the two ways it goes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from coresnap.errors import ConfigError
from coresnap.integrations.address import read_address
from coresnap.integrations.reach import Reach
from coresnap.integrations.slack.bot import SlackBot
from coresnap.integrations.slack.hook import SlackHook
from coresnap.integrations.slack.service import WebApi
from coresnap.model.notice import Channel

__all__ = ["open_slack"]

_TOKEN = re.compile(r"xox[a-z]-[A-Za-z0-9-]{8,255}|xoxe\.[A-Za-z0-9.-]{8,1000}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{6,30}|#?[^\s#<>&@|]{1,80}")


def open_slack(settings: Mapping[str, str], reach: Reach) -> Channel:
    """Return a channel of complete settings. Raises ConfigError."""
    token, hook = settings["token"], settings["webhook"]
    if bool(token) == bool(hook):
        raise ConfigError(
            "slack needs a token or a webhook, and not both",
            remedy="Give token= and channel=, or webhook= alone.",
        )
    if hook:
        return SlackHook(read_address("webhook", hook), reach.client())
    if not _TOKEN.fullmatch(token):
        raise ConfigError(
            "token: this is no token of Slack",
            remedy='Copy the "Bot User OAuth Token" of the app, xoxb-…',
        )
    channel = settings["channel"]
    if not _CHANNEL.fullmatch(channel):
        raise ConfigError(
            "channel: a bot's token needs the channel that it posts to",
            remedy="Give its id, from the channel's details: C0123456789.",
        )
    api = read_address("api", settings["api"]).rstrip("/")
    return SlackBot(channel, WebApi(api, token, reach.client()))
