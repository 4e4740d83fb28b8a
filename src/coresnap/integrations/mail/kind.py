"""Mail, before anything of it is set."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.integrations.kind import ChannelSetting, Kind
from coresnap.integrations.reach import Reach
from coresnap.model.notice import Channel

__all__ = ["MAIL"]


def _open(settings: Mapping[str, str], reach: Reach) -> Channel:
    from coresnap.integrations.mail.channel import open_mail

    return open_mail(settings, reach)


MAIL = Kind(
    "mail",
    "Mail",
    (
        ChannelSetting("host", "name of the SMTP server", is_required=True),
        ChannelSetting("port", "its port; without it 587, 465 for tls, 25 for none"),
        ChannelSetting(
            "security",
            "starttls: encrypted or not sent; tls: from the first byte; none: never, "
            "and without a login",
            default="starttls",
        ),
        ChannelSetting("user", "name of the login, if it wants one"),
        ChannelSetting("password", "password of the login", is_secret=True),
        ChannelSetting("from", "address of the sender", is_required=True),
        ChannelSetting(
            "to", "addresses of who is told, separated by spaces", is_required=True
        ),
    ),
    _open,
)
