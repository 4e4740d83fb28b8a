"""What kinds of channels have in common: a name, settings, and how one is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from coresnap.errors import ConfigError
from coresnap.integrations.reach import Reach
from coresnap.model.notice import Channel

__all__ = ["ChannelSetting", "Kind"]


@attrs.frozen
class ChannelSetting:
    """One thing that is set of a channel."""

    name: str
    meaning: str
    is_secret: bool = False
    """Kept, never shown again."""
    is_required: bool = False
    default: str = ""
    """What an absent or empty value means, where that is a value."""


@attrs.frozen
class Kind:
    """A way to tell people, before anything of it is set."""

    name: str
    title: str
    """As people call it: ``Slack``."""
    settings: tuple[ChannelSetting, ...]
    opener: Callable[[Mapping[str, str], Reach], Channel]
    """Gets complete settings. Imports what the kind needs, and not before."""

    def open(self, settings: Mapping[str, str], reach: Reach) -> Channel:
        """Return a channel. Nothing is sent.

        Raises ConfigError for a setting that is unknown, missing or makes no sense.
        """
        known = {setting.name: setting for setting in self.settings}
        unknown = sorted(settings.keys() - known.keys())
        if unknown:
            raise ConfigError(
                f"{self.name} has no setting {', '.join(unknown)}",
                remedy=f"It has {', '.join(known)}.",
            )
        complete = {
            name: settings.get(name, "").strip() or setting.default
            for name, setting in known.items()
        }
        for name, setting in known.items():
            if setting.is_required and not complete[name]:
                raise ConfigError(
                    f"{self.name} needs {name}: {setting.meaning}",
                    remedy=f"Give {name}=.",
                )
        return self.opener(complete, reach)
