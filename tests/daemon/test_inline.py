"""The daemon's work done by a command."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import attrs

from coresnap.backends.fake import FakeBackend
from coresnap.collect.spool import create_spool
from coresnap.config import load_config
from coresnap.daemon.inline import open_pipeline


def test_a_reload_that_is_meant_for_the_daemon_does_not_end_a_command(
    tmp_path: Path,
) -> None:
    (tmp_path / "conf").touch()
    config = attrs.evolve(load_config(tmp_path / "conf"), root=tmp_path, user="root")
    create_spool(config.spool)
    config.journal.parent.mkdir()
    before = signal.getsignal(signal.SIGHUP)

    with open_pipeline(config, FakeBackend(), lambda *_, **__: None):
        os.kill(os.getpid(), signal.SIGHUP)

    assert signal.getsignal(signal.SIGHUP) == before
