"""What an installation on FreeBSD is: a pattern, two switches, and a drop directory.

The kernel opens a core with the rights of who crashed, so the directory can be written
to by everybody, listed by nobody but root, and is sticky: nobody removes or renames a
file of others (docs/adr/0042-a-directory-that-everybody-may-write-to.md).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

from coresnap.backends.archive_files import make_directory, owner_ids
from coresnap.backends.freebsd_drops import NAMES
from coresnap.backends.freebsd_sysctl import (
    COREDUMP,
    COREDUMP_DEVCTL,
    COREFILE,
    FreeBSDKernel,
)
from coresnap.errors import CaptureError

__all__ = [
    "DIRECTORY_MODE",
    "RESTORED",
    "close_drop_directory",
    "ensure_user",
    "make_admission_table",
    "make_drop_directory",
    "owner_of",
    "pattern_for",
    "wanted_settings",
]

DIRECTORY_MODE = 0o1733
RESTORED = (COREFILE, COREDUMP_DEVCTL, COREDUMP)

_UCORED = "/var/ucrash/"
"""Where ucored(8) puts cores unless it is told otherwise."""
_PATTERN_LIMIT = 1023  # MAXPATHLEN with its NUL (sys/kern/kern_sig.c, corefilename)


def pattern_for(directory: Path) -> str:
    """Return the kern.corefile that fills ``directory``.

    Raises CaptureError if it is longer than the kernel takes.
    """
    pattern = str(directory).replace("%", "%%") + "/" + NAMES
    if len(pattern.encode("utf-8", "surrogateescape")) > _PATTERN_LIMIT:
        raise CaptureError(
            f"{directory} is too long for kern.corefile",
            remedy="Set [archive] root to a shorter path.",
        )
    return pattern


def owner_of(pattern: str | None, directory: Path) -> str:
    """Say who gets the cores that the kernel names by ``pattern``."""
    if pattern == pattern_for(directory):
        return "coresnap"
    return "ucored" if pattern and pattern.startswith(_UCORED) else "the kernel"


def wanted_settings(kernel: FreeBSDKernel, directory: Path) -> dict[str, str]:
    """Return what is to be set, the pattern last: from then on crashes arrive."""
    wanted = {COREDUMP: "1", COREDUMP_DEVCTL: "1", COREFILE: pattern_for(directory)}
    return {name: v for name, v in wanted.items() if kernel.read(name) is not None}


def make_drop_directory(directory: Path) -> None:
    """Create the directory, or give the one that is there root and its mode."""
    make_directory(directory, (0, 0), DIRECTORY_MODE)


def make_admission_table(path: Path, owner: tuple[int, int]) -> None:
    """Let the daemon have a file for its counts in a directory of root.

    Raises CaptureError if something else has its place.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        raise CaptureError(f"cannot create {path}: {error.strerror}") from error
    try:
        os.fchown(fd, *owner)
    finally:
        os.close(fd)


def close_drop_directory(directory: Path) -> None:
    """Remove the directory; one in which cores wait is closed, and theirs."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not stat.S_ISDIR(directory.lstat().st_mode):
            return
        try:
            directory.rmdir()
        except OSError:
            directory.chmod(0o700)


def ensure_user(user: str) -> tuple[int, int]:
    """Return uid and gid of ``user``, creating a system user by pw(8) if there is none.

    Raises CaptureError if that is not possible.
    """
    if (ids := owner_ids(user)) is not None:
        return ids
    remedy = f"Create the system user {user}, then install again."
    program = shutil.which("pw", path="/usr/sbin:/sbin")
    if program is None:
        what = f"there is no user {user}, and no pw to create it"
        raise CaptureError(what, remedy=remedy)
    command = [program, "useradd", user, "-c", "coredump collector"]
    command += ["-d", "/nonexistent", "-s", "/usr/sbin/nologin"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    ids = owner_ids(user)
    if run.returncode or ids is None:
        what = f"cannot create the user {user}: {run.stderr.strip()}"
        raise CaptureError(what, remedy=remedy)
    return ids
