"""The kinds of channels of ``integrations``, handed to the store by who serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coresnap.integrations.channels import KINDS, Kind, open_channel
from coresnap.integrations.reach import Reach
from coresnap.store.api.telling import ChannelKind, ChannelSetting
from coresnap.store.telling.ways import Ways

if TYPE_CHECKING:
    from coresnap.config.server import ServerConfig

__all__ = ["ways_of"]


def ways_of(config: ServerConfig) -> Ways:
    """Return the ways to people that the settings of a server leave open."""
    reach = Reach(config.integrations_allow, config.integrations_ca)
    address = config.url
    if address and "://" not in address:
        address = f"https://{address}"
    return Ways(
        kinds={name: _described(kind) for name, kind in KINDS.items()},
        open=lambda kind, settings: open_channel(kind, settings, reach),
        url=address.rstrip("/"),
    )


def _described(kind: Kind) -> ChannelKind:
    return ChannelKind(
        kind.name,
        kind.title,
        tuple(
            ChannelSetting(s.name, s.meaning, s.is_secret, s.is_required, s.default)
            for s in kind.settings
        ),
    )
