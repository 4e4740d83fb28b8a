"""Sessions that ``coroner login`` has begun, kept for the commands after it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coresnap.errors import StorageError

if TYPE_CHECKING:
    from coresnap.config.store_config import StoreConfig

__all__ = ["forget_session", "keep_session", "session_token"]


def session_token(config: StoreConfig, universe: str) -> str | None:
    """Return the token of the session in a universe of the store, if one lasts."""
    session = _read().get(_key(config, universe))
    return session["token"] if session is not None else None


def keep_session(config: StoreConfig, universe: str, token: str, expires: int) -> Path:
    """Keep a session for this user alone; return where. Raises StorageError."""
    sessions = _read()
    sessions[_key(config, universe)] = {"token": token, "expires": expires}
    return _write(sessions)


def forget_session(config: StoreConfig, universe: str) -> None:
    """Forget a session, if there is one. Raises StorageError."""
    sessions = _read()
    if sessions.pop(_key(config, universe), None) is not None:
        _write(sessions)


def _key(config: StoreConfig, universe: str) -> str:
    return f"{config.read} {universe}"


def _path() -> Path:
    """In the user's directory for state (XDG Base Directory Specification)."""
    below = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(below):
        below = os.path.expanduser("~/.local/state")
    return Path(below, "coroner", "sessions.json")


def _read() -> dict[str, dict[str, Any]]:
    """Sessions that last. A file that is none of ours is one without sessions."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(_path().read_bytes())
        if isinstance(found, dict):
            return {key: value for key, value in found.items() if _lasts(value)}
    return {}


def _lasts(session: object) -> bool:
    return (
        isinstance(session, dict)
        and isinstance(session.get("token"), str)
        and isinstance(session.get("expires"), int)
        and session["expires"] > time.time()
    )


def _write(sessions: dict[str, Any]) -> Path:
    path = _path()
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(temporary, flags, 0o600), "w") as stream:
            json.dump(sessions, stream)
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"cannot keep the session in {path}: {error}") from error
    return path
