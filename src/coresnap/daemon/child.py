"""What a forked child of the daemon gives up before it begins, and how it ended."""

from __future__ import annotations

import os
import resource
import signal
import traceback
from collections.abc import Sequence
from pathlib import Path

__all__ = ["become_owner", "describe_bug", "how_it_ended", "shed_inheritance"]


def shed_inheritance(keep: Sequence[int]) -> None:
    """Drop everything of the parent's but the standard three and ``keep``."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    # Python ignores it; here it is a limit that has to end us.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    begin = 3
    for fd in sorted(keep):
        os.closerange(begin, fd)
        begin = fd + 1
    os.closerange(begin, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)


def become_owner(owner: tuple[int, int] | None) -> bool:
    """Become the owner for good; False if we stay who we are."""
    # A command run by root has only lent its effective ids to the owner.
    if owner is None or 0 not in os.getresuid():
        return False
    uid, gid = owner
    os.seteuid(0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    return True


def how_it_ended(status: int) -> str:
    """Say what ``waitpid`` returned: ``left with exit code 1``, ``died of SIGKILL``."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"left with exit code {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:
        return f"died of signal {-code}"


def describe_bug(error: Exception) -> str:
    """Say in one line what nobody expected, and where it was raised."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return f"{type(error).__name__}: {error} ({where})"
