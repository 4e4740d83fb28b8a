"""A webhook, before anything of it is set."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.integrations.kind import ChannelSetting, Kind
from coresnap.integrations.reach import Reach
from coresnap.model.notice import Channel

__all__ = ["WEBHOOK"]


def _open(settings: Mapping[str, str], reach: Reach) -> Channel:
    from coresnap.integrations.webhook.channel import open_webhook

    return open_webhook(settings, reach)


WEBHOOK = Kind(
    "webhook",
    "Webhook",
    (
        ChannelSetting(
            "url",
            "address that notices are posted to, https://…; it may be a secret itself",
            is_secret=True,
            is_required=True,
        ),
        ChannelSetting(
            "secret",
            "signs what is sent: whsec_ and 24 to 64 bytes in base64, or any 24 to 128 "
            "characters",
            is_secret=True,
            is_required=True,
        ),
    ),
    _open,
)
