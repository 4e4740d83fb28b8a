"""What a FreeBSD process can take from itself before it reads untrusted bytes.

Each layer is there for when another is not, and the names say what is active. Commands
and values are those of sys/sys/procctl.h.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coresnap.backends.freebsd_capabilities import enter_capability_mode

__all__ = ["confine", "confine_sender", "confine_watcher"]

_P_PID = 0
_PROC_TRACE_CTL = 7
_PROC_TRACE_CTL_DISABLE = 2
_PROC_PDEATHSIG_CTL = 11
_PROC_NO_NEW_PRIVS_CTL = 19
_PROC_NO_NEW_PRIVS_ENABLE = 1


def confine() -> tuple[str, ...]:
    """Confine a worker; return what was achieved."""
    achieved = []
    if _control(_PROC_PDEATHSIG_CTL, signal.SIGKILL):
        achieved.append("dies-with-daemon")
    achieved += _without_privileges()
    if _limit_processes():
        achieved.append("no-new-processes")
    # Last: it takes away what the others need.
    if enter_capability_mode():
        achieved.append("capability-mode")
    return tuple(achieved)


def confine_sender(writable: Sequence[Path]) -> tuple[str, ...]:
    """Confine the calling process, which sends; return what was achieved.

    Nothing here limits where it writes: what it starts needs paths and the network,
    which capability mode would take from it.
    """
    return _without_privileges()


def confine_watcher(unreadable: Path, writable: Sequence[Path]) -> tuple[str, ...]:
    """Confine the calling process, which watches; return what was achieved.

    It opens the journal by its path, which capability mode would not let it.
    """
    return _without_privileges()


def _without_privileges() -> tuple[str, ...]:
    achieved = []
    if _control(_PROC_NO_NEW_PRIVS_CTL, _PROC_NO_NEW_PRIVS_ENABLE):
        achieved.append("no-new-privileges")
    # Neither ptrace(2) nor a core of it, for others of its user.
    if _control(_PROC_TRACE_CTL, _PROC_TRACE_CTL_DISABLE):
        achieved.append("not-dumpable")
    return tuple(achieved)


def _limit_processes() -> bool:
    # Threads do not count (sys/kern/kern_fork.c, chgproccnt). Root is not held to it.
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    except (ValueError, OSError):
        return False
    return os.geteuid() != 0


def _control(command: int, value: int) -> bool:
    """Call procctl(2) on ourselves; False where this kernel has no such command."""
    function: Any = getattr(ctypes.CDLL(None, use_errno=True), "procctl", None)
    if function is None:
        return False
    # int procctl(idtype_t, id_t, int, void *): id_t is of 64 bits.
    data = ctypes.c_int(value)
    who = ctypes.c_int64(os.getpid())
    return bool(function(_P_PID, who, command, ctypes.byref(data)) == 0)
