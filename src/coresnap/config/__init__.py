"""coresnap.conf: an INI file with dotted keys, read into one frozen ``Config``.

``SETTINGS`` is the whole surface: name, kind, default and meaning of every key. The
documentation is checked against it. The file is looked for at ``SEARCH_PATH``; the
first one found is read, and a machine without one runs on the defaults.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coresnap.config.config import ApplicationRules, Config, Policy
    from coresnap.config.nouns import Rate, Route, Share
    from coresnap.config.places import SEARCH_PATH
    from coresnap.config.reading import load_config
    from coresnap.config.setting import Setting
    from coresnap.config.settings import SETTINGS

__all__ = [
    "SEARCH_PATH",
    "SETTINGS",
    "ApplicationRules",
    "Config",
    "Policy",
    "Rate",
    "Route",
    "Setting",
    "Share",
    "load_config",
]

_HOMES = {
    "ApplicationRules": "config",
    "Config": "config",
    "Policy": "config",
    "Rate": "nouns",
    "Route": "nouns",
    "SEARCH_PATH": "places",
    "SETTINGS": "settings",
    "Setting": "setting",
    "Share": "nouns",
    "load_config": "reading",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names above
    # The parser of settings takes 30 ms to load: not for one who asks where they are.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
