"""Options that coroner.cf gives to commands, in its section ``[default]``."""

from __future__ import annotations

import os
from pathlib import Path

from coresnap.config.places import STORE_SEARCH_PATH

__all__ = ["default_words"]

_ON, _OFF = ("true", "yes"), ("false", "no")
_WITHOUT = ("serve", "reindex", "view")
"""Commands that speak with no store, and need no coroner.cf."""


def default_words(command: str, config: Path | None) -> list[str]:
    """Return the options of ``command`` that ``config``, or the usual file, gives.

    Of an option that is typed too the typed value counts, or both if it may be
    repeated. What is wrong with the file is said where the command reads it.
    """
    path = config or _usual()
    if path is None or command in _WITHOUT:
        return []
    from coresnap.config.store_reading import load_store_config
    from coresnap.errors import CoresnapError

    try:
        options = load_store_config(path).defaults.get(command, {})
    except CoresnapError:
        return []
    return [word for option in options.items() for word in _word(*option)]


def _usual() -> Path | None:
    paths = (Path(os.path.expanduser("~/.coroner.cf")), *STORE_SEARCH_PATH)
    # Path.exists raises where we may not look: a service's HOME can be root's.
    return next((path for path in paths if os.path.exists(path)), None)


def _word(option: str, value: str) -> list[str]:
    if value.lower() in _OFF:
        return []
    return [f"--{option}" if value.lower() in _ON else f"--{option}={value}"]
