"""The part of the doctor that is the same on every system."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from coresnap.backends.base import Level
from coresnap.collect.journal import Event, Journal
from coresnap.collect.spool import create_spool
from coresnap.config import Config, load_config
from coresnap.daemon.diagnosis import diagnose


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "conf").touch()
    config = attrs.evolve(load_config(tmp_path / "conf"), root=tmp_path, dump_quota=0)
    create_spool(config.spool)
    config.journal.parent.mkdir()
    return config


def levels(config: Config) -> dict[str, Level]:
    findings = diagnose(config)
    for finding in findings:
        assert bool(finding.remedy) == (finding.level is not Level.OK), finding
    return {finding.check: finding.level for finding in findings}


def test_with_a_daemon_all_is_well(config: Config) -> None:
    import os

    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        import signal

        with Journal(config.journal):
            os.write(writer, b"!")
            signal.pause()
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
    try:
        found = levels(config)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)

    assert set(found.values()) == {Level.OK}
    assert set(found) == {"spool", "space", "daemon", "journal"}


def give_up(config: Config) -> None:
    with Journal(config.journal) as journal:
        journal.record("0" * 32, Event.ARRIVED)
        journal.record("0" * 32, Event.GAVE_UP, reason="not a core")


BREAKS: dict[str, tuple[Callable[[Config], object], str, Level]] = {
    "no spool": (lambda c: (c.spool / "pending").rmdir(), "spool", Level.FAIL),
    "open spool": (lambda c: (c.spool / "assets").chmod(0o755), "spool", Level.FAIL),
    "intruder": (
        lambda c: (c.spool / "pending" / "x").symlink_to("/"),
        "spool-content",
        Level.WARN,
    ),
    "no daemon": (lambda c: None, "daemon", Level.WARN),
    "given up": (give_up, "journal", Level.WARN),
    "damaged journal": (
        lambda c: c.journal.write_bytes(b"x" * 5000),
        "journal",
        Level.WARN,
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_thing_that_breaks_is_found(config: Config, name: str) -> None:
    break_it, check, level = BREAKS[name]
    break_it(config)

    assert levels(config)[check] is level


def test_no_space_is_found(config: Config) -> None:
    full = attrs.evolve(config, dump_quota=100)

    assert levels(full)["space"] is Level.FAIL
