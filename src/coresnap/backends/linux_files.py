"""What an installation on Linux puts on disk: user, directories, handler, settings.

The handler runs as root for every crash, so nobody but root may be able to change it
or what it reads (reference: capture rule R24); the archive belongs to the daemon's
user (R4).
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from coresnap.backends.handler_settings import handler_settings, keep_places
from coresnap.config import Config
from coresnap.errors import (
    AccessError,
    CaptureError,
    ConfigError,
    CoresnapError,
    NoSpaceError,
)

__all__ = [
    "check_trusted",
    "ensure_user",
    "install_handler",
    "is_compiled",
    "make_directories",
    "owner_ids",
    "refresh_handler_settings",
    "replace_file",
    "write_handler_settings",
]

STAGES = ("pending", "assets", "sending")
HANDLER_SETTINGS_LIMIT = 64 * 1024  # SETTINGS_FILE_LIMIT of native/catch/settings.h


def owner_ids(user: str) -> tuple[int, int] | None:
    """Return uid and gid of ``user``; None if there is no such user."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


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


def make_directories(config: Config, owner: tuple[int, int]) -> None:
    """Create the archive, or correct the owners and modes of the one that is there."""
    _make_directory(config.root, (0, 0), 0o755)
    _make_directory(config.spool, (0, owner[1]), 0o750)
    for stage in STAGES:
        _make_directory(config.spool / stage, owner, 0o700)
    _make_directory(config.journal.parent, owner, 0o700)
    _make_directory(config.decompressed, owner, 0o700)
    if config.debuginfod_cache is None:
        # One that was named may be shared, and is whose it is.
        _make_directory(config.fetched, owner, 0o700)


def _make_directory(path: Path, owner: tuple[int, int], mode: int) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except OSError as error:
        raise CaptureError(f"{path} is not a directory: {error.strerror}") from error
    try:
        if (os.fstat(fd).st_uid, os.fstat(fd).st_gid) != owner:
            os.fchown(fd, *owner)
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


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


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Give ``path`` the content ``data``, whole or not at all, and on the disk.

    Raises AccessError, NoSpaceError or CaptureError.
    """
    try:
        fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(fd, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fchmod(fd, mode)
                os.fsync(fd)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except PermissionError as error:
        raise AccessError(f"cannot write {path}: {error.strerror}") from error
    except OSError as error:
        raise _storage_error(path, error) from error


def _storage_error(path: Path, error: OSError) -> CoresnapError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"cannot write {path}: {error.strerror}")
    return CaptureError(f"cannot write {path}: {error.strerror}")
