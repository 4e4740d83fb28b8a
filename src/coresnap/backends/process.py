"""A live process as psutil tells it, on every system that psutil knows."""

from __future__ import annotations

import importlib
from typing import Any

from coresnap.backends.base import ProcessDescription
from coresnap.errors import AccessError, MissingError

__all__ = ["describe"]

_SECOND = 1_000_000_000


def describe(pid: int) -> ProcessDescription:
    """Describe the process ``pid``.

    Raises MissingError if there is none and AccessError if this user may not look.
    """
    # psutil costs 30 ms of start-up, and most commands never ask. Any, because its
    # type stubs deny FreeBSD the rlimit() that psutil has there since 5.7.3.
    psutil: Any = importlib.import_module("psutil")
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            soft, _ = process.rlimit(psutil.RLIMIT_CORE)
            return ProcessDescription(
                pid=pid,
                command=process.name(),
                executable=process.exe() or None,
                arguments=tuple(process.cmdline()),
                uid=process.uids().effective,
                gid=process.gids().effective,
                core_limit=None if soft == psutil.RLIM_INFINITY else soft,
                started=int(process.create_time() * _SECOND),
            )
    except psutil.NoSuchProcess as error:
        raise MissingError(f"there is no process {pid}") from error
    except (psutil.AccessDenied, PermissionError) as error:
        raise AccessError(
            f"may not look at process {pid}",
            remedy="Run the command as root, or as the user of the process.",
        ) from error
