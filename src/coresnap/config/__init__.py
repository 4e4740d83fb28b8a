"""coresnap.conf: an INI file with dotted keys, read into one frozen ``Config``.

``SETTINGS`` is the whole surface: name, kind, default and meaning of every key. The
documentation is checked against it. The file is looked for at ``SEARCH_PATH``; the
first one found is read, and a machine without one runs on the defaults.
"""

from __future__ import annotations

from coresnap.config.config import ApplicationRules, Config, Policy
from coresnap.config.nouns import Rate, Route, Share
from coresnap.config.reading import SEARCH_PATH, load_config
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
