"""What a Linux process can take from itself before it reads untrusted bytes.

Each layer is there for when another is not: an old kernel, or one without Landlock or
seccomp, still gets the rest, and the names say what is active.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from coresnap.backends.linux_landlock import (
    restrict_files,
    restrict_reading,
    restrict_writing,
)
from coresnap.backends.linux_seccomp import (
    filter_dangerous_calls,
    filter_system_calls,
)

__all__ = ["confine", "confine_sender", "confine_watcher"]

# include/uapi/linux/prctl.h and sched.h
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWNET = 0x40000000
_CLONE_NEWUSER = 0x10000000
_WORST_TO_KILL = "900"


def confine() -> tuple[str, ...]:
    """Confine the calling process; return what was achieved."""
    libc = ctypes.CDLL(None, use_errno=True)
    achieved = []
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0:
        achieved.append("dies-with-daemon")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        achieved.append("no-new-privileges")
    if _leave_network(libc):
        achieved.append("no-network")
    # A process that gave up root is not dumpable, and its /proc files are root's.
    libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(_WORST_TO_KILL)
        achieved.append("first-out-of-memory")
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        achieved.append("not-dumpable")
    achieved += restrict_files(libc)
    # Last, because it takes away the calls that the others need.
    if filter_system_calls(libc):
        achieved.append("seccomp")
    return tuple(achieved)


def confine_sender(writable: Sequence[Path]) -> tuple[str, ...]:
    """Confine the calling process, which sends; return what was achieved."""
    return _confine_helper(lambda libc: restrict_writing(libc, writable))


def confine_watcher(unreadable: Path, writable: Sequence[Path]) -> tuple[str, ...]:
    """Confine the calling process, which watches; return what was achieved."""
    return _confine_helper(lambda libc: restrict_reading(libc, unreadable, writable))


def _confine_helper(
    restrict: Callable[[ctypes.CDLL], tuple[str, ...]],
) -> tuple[str, ...]:
    """Confine a process that reads no core; ``restrict`` takes files from it."""
    libc = ctypes.CDLL(None, use_errno=True)
    achieved = []
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        achieved.append("no-new-privileges")
    # The sender has tokens, and what it starts reads hostile bytes as the same user.
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
        achieved.append("not-dumpable")
    achieved += restrict(libc)
    if filter_dangerous_calls(libc):
        achieved.append("seccomp")
    return tuple(achieved)


def _leave_network(libc: ctypes.CDLL) -> bool:
    if libc.unshare(_CLONE_NEWNET) == 0:
        return True
    # Without CAP_SYS_ADMIN only inside a user namespace of one's own, which root must
    # not enter here: it would lose the rights to read other users' files.
    return os.geteuid() != 0 and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
