"""A process that the daemon leaves behind, before it gives up root."""

from __future__ import annotations

import os
import signal

__all__ = ["set_apart"]


def set_apart() -> None:
    """Hear no more of what the terminal and its user tell the daemon.

    Killed by a signal is then an end like any other: of the daemon's own handlers none
    is left.
    """
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
