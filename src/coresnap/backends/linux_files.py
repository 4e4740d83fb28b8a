"""What an installation on Linux puts on disk: user, handler, settings.

The handler runs as root for every crash, so nobody but root may be able to change it
or what it reads (reference: capture rule R24); the archive belongs to the daemon's
user (R4).
"""

from __future__ import annotations

import contextlib
import grp
import shutil
import stat
import subprocess
from pathlib import Path

from coresnap.backends.archive_files import owner_ids, replace_file
from coresnap.backends.handler_settings import handler_settings, keep_places
from coresnap.config import Config
from coresnap.errors import (
    AccessError,
    CaptureError,
    ConfigError,
)

__all__ = [
    "check_trusted",
    "ensure_user",
    "install_handler",
    "is_compiled",
    "refresh_handler_settings",
    "write_handler_settings",
]

HANDLER_SETTINGS_LIMIT = 64 * 1024  # SETTINGS_FILE_LIMIT of native/catch/settings.h


def ensure_user(user: str) -> tuple[int, int]:
    """Return uid and gid of ``user``, creating a system user if there is none.

    Raises CaptureError if that is not possible.
    """
    if (ids := owner_ids(user)) is not None:
        return ids
    command = [
        "useradd",
        "--system",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
    ]
    command += ["--home-dir", "/nonexistent"]
    with contextlib.suppress(KeyError):
        grp.getgrnam(user)
        command += ["--gid", user]
    if "--gid" not in command:
        command += ["--user-group"]
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        raise CaptureError(
            f"there is no user {user}, and no useradd to create it",
            remedy=f"Create the system user {user}, then install again.",
        )
    run = subprocess.run(
        [program, *command[1:], user], capture_output=True, text=True, check=False
    )
    ids = owner_ids(user)
    if run.returncode or ids is None:
        raise CaptureError(
            f"cannot create the user {user}: {run.stderr.strip()}",
            remedy=f"Create the system user {user}, then install again.",
        )
    return ids


def check_trusted(path: Path) -> None:
    """Raise CaptureError if somebody but root could replace the file at ``path``."""
    for place in (path, *path.parents):
        try:
            status = place.lstat()
        except FileNotFoundError:
            continue
        writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        # In a sticky directory only an entry's owner can replace it.
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        if stat.S_ISLNK(status.st_mode) and status.st_uid == 0:
            check_trusted(place.resolve())
        elif status.st_uid != 0 or (writable and not sticky):
            raise CaptureError(
                f"{place} can be changed by others than root, so the kernel must not "
                f"be made to run {path}",
                remedy="Set [archive] handler to a path below directories of root.",
            )


def install_handler(source: bytes, target: Path) -> None:
    """Put the handler program at ``target``, whole or not at all."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    check_trusted(target.parent)
    replace_file(target, source, 0o755)


def is_compiled(handler: Path) -> bool:
    """Say whether the handler is the one in C; OSError if it cannot be read."""
    with handler.open("rb") as stream:
        return stream.read(2) != b"#!"


def write_handler_settings(config: Config, owner: tuple[int, int]) -> None:
    """Write what the handler reads (``native/catch/settings.c``).

    Raises ConfigError if it is more than the handler reads.
    """
    _write_handler_settings(config, handler_settings(config, owner))


def refresh_handler_settings(config: Config) -> tuple[str, ...]:
    """Write what the handler reads, if it is there and says something else.

    Returns the names of settings that differ and stay as ``install`` wrote them. Raises
    what ``write_handler_settings`` does, and AccessError.
    """
    try:
        before = config.handler_settings.read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ()
    except OSError as error:
        what = f"cannot read {config.handler_settings}: {error.strerror}"
        raise AccessError(what) from error
    # A user that does not exist owns nothing: the owner stays who it was.
    owner = owner_ids(config.user) or (-1, -1)
    text, staying = keep_places(handler_settings(config, owner), before)
    if text != before:
        _write_handler_settings(config, text)
    return staying


def _write_handler_settings(config: Config, settings: str) -> None:
    text = settings.encode("utf-8", "surrogateescape")
    if len(text) >= HANDLER_SETTINGS_LIMIT:
        raise ConfigError(
            f"{config.source} makes {len(text)} bytes of settings for the handler, "
            f"which reads {HANDLER_SETTINGS_LIMIT - 1}",
            remedy="Join sections for applications by wider patterns.",
        )
    replace_file(config.handler_settings, text, 0o644)
