"""New settings for a daemon that runs.

All but a few hold at once: those that say where things are were read when files and
sockets were opened, and wait for a restart.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from coresnap.backends.base import CaptureBackend
from coresnap.config import Config, load_config
from coresnap.daemon.log import Logger
from coresnap.errors import AccessError

__all__ = ["refresh_handler", "reread"]

NEEDS_RESTART = {
    "root": "root",
    "user": "user",
    "socket": "socket",
    "handler": "handler",
    "door": "door",
    "door_socket": "door.socket",
    "metrics_listen": "metrics.listen",
}
"""Fields of ``Config`` to their settings; a running daemon does not follow these."""


def reread(current: Config, path: Path | None) -> tuple[Config, tuple[str, ...]]:
    """Read coresnap.conf again, from ``path`` or where it is looked for.

    Returns what holds from now on, and the names of settings that stay until a restart.
    Raises what ``load_config`` does; then ``current`` goes on holding.
    """
    new = load_config(path)
    staying = {
        field: getattr(current, field)
        for field in NEEDS_RESTART
        if getattr(new, field) != getattr(current, field)
    }
    names = tuple(NEEDS_RESTART[field] for field in staying)
    return attrs.evolve(new, **staying), names


def refresh_handler(backend: CaptureBackend, log: Logger) -> None:
    """Give the kernel's handler the settings of today, as far as we may.

    Raises CaptureError, ConfigError or NoSpaceError; then it goes on with the old ones.
    """
    try:
        staying = backend.refresh()
    except AccessError:
        log.warning(
            "the kernel's handler goes on with the settings that it had, for they "
            "are root's",
            remedy="Run `coresnap config reload` as root.",
        )
        return
    if staying:
        log.warning(
            f"{', '.join(staying)}: the kernel's handler keeps what `coresnap install` "
            "gave it",
            remedy="Run `coresnap install`.",
        )
