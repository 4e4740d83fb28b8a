"""How a daemon speaks with its service manager: sd_notify(3), in one datagram."""

from __future__ import annotations

import contextlib
import os
import socket

__all__ = ["tell_manager", "watchdog_seconds"]


def tell_manager(state: str) -> None:
    """Send ``READY=1``, ``STOPPING=1``, … to the manager, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    # "@" stands for the NUL of Linux's abstract namespace.
    where = "\0" + address[1:] if address.startswith("@") else address
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        contextlib.suppress(OSError),
    ):
        sender.sendto(state.encode(), where)


def watchdog_seconds() -> float | None:
    """Return how often the manager wants to hear from us; None if it does not."""
    text = os.environ.get("WATCHDOG_USEC", "")
    if not text.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(
        os.getpid()
    ):
        return None
    return int(text) / 1_000_000 / 2
