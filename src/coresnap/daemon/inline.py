"""The daemon's work without the daemon, for commands run by hand."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.backends.base import CaptureBackend
from coresnap.collect.journal import Journal
from coresnap.collect.spool import Spool
from coresnap.config import Config
from coresnap.daemon.job import analyse_core, preload
from coresnap.daemon.stages import Pipeline

if TYPE_CHECKING:
    from coresnap.daemon.log import Log

__all__ = ["open_pipeline"]


@contextlib.contextmanager
def open_pipeline(
    config: Config, backend: CaptureBackend, log: Log
) -> Iterator[Pipeline]:
    """Be the journal's one writer for a while; root does it as the archive's owner.

    Raises StorageError if the daemon runs, and what opening spool and journal raises.
    """
    preload()
    owner = None
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(config.user)
            owner = entry.pw_uid, entry.pw_gid
    with (
        _without_reloads(),
        _as_owner(owner),
        Spool(config.spool) as spool,
        Journal(config.journal) as journal,
    ):
        yield Pipeline(config, spool, journal, backend, analyse_core, log, owner=owner)


@contextlib.contextmanager
def _without_reloads() -> Iterator[None]:
    """Be deaf to what `coresnap config reload` sends to whoever has the journal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextlib.contextmanager
def _as_owner(owner: tuple[int, int] | None) -> Iterator[None]:
    """Let files of root's commands belong to the user that the daemon runs as."""
    if owner is None or owner[0] == 0:
        yield
        return
    before = os.getegid()
    os.setegid(owner[1])
    os.seteuid(owner[0])
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(before)
