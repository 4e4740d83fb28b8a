"""What a forked child of the daemon gives up before it does anything."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Sequence

__all__ = ["become_owner", "shed_inheritance"]


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
