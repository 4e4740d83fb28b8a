"""What `coresnap doctor` says of the workers' confinement is what was tried."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.backends.base import Level
from coresnap.backends.fake import FakeBackend
from coresnap.backends.linux import LinuxBackend
from coresnap.config import Config, load_config
from coresnap.daemon.confinement_trial import ACTS, check_confinement, try_acts
from coresnap.daemon.job import Job
from coresnap.daemon.worker import Outcome, Verdict, Worker

pytestmark = pytest.mark.linux

NOBODY = (65534, 65534)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "conf").write_text("")
    return attrs.evolve(load_config(tmp_path / "conf"), root=tmp_path, user="root")


@pytest.mark.root
def test_a_confined_worker_can_do_none_of_it(config: Config) -> None:
    trial = try_acts(config, LinuxBackend(config), NOBODY)

    assert trial.possible == ()
    assert "seccomp" in trial.confinement
    assert len(os.listdir("/proc/self/fd")) < 100


@pytest.mark.root
def test_a_worker_without_confinement_is_found_out(config: Config) -> None:
    trial = try_acts(config, FakeBackend(), NOBODY)

    # A user who is not root may not signal root's daemon, confined or not.
    assert set(trial.possible) == set(ACTS) - {"signal the daemon"}


@pytest.mark.root
def test_the_finding_names_what_holds_and_what_does_not(config: Config) -> None:
    good = check_confinement(config, LinuxBackend(config))
    bad = check_confinement(config, FakeBackend())

    assert (good.check, good.level) == ("worker-confinement", Level.OK)
    assert "cannot write a file" in good.message
    assert "seccomp" in good.message
    assert bad.level is Level.WARN
    assert "can write a file, use the network" in bad.message
    assert bad.remedy


# --- hostile analyses -------------------------------------------------------------


def analyse_by_running_a_program(job: Job, output: int) -> dict[str, Any]:
    os.execv("/bin/sh", ["/bin/sh", "-c", "exit 0"])


def analyse_by_connecting(job: Job, output: int) -> dict[str, Any]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.connect(("127.0.0.1", 9))
    return {}


def analyse_by_writing(job: Job, output: int) -> dict[str, Any]:
    Path("/tmp/coresnap-written").write_text("x")
    return {}


def analyse_by_killing(job: Job, output: int) -> dict[str, Any]:
    os.kill(os.getppid(), 9)
    return {}


HOSTILE = (
    (analyse_by_running_a_program, "died of SIGSYS"),
    (analyse_by_connecting, "PermissionError"),
    (analyse_by_writing, "PermissionError"),
    (analyse_by_killing, "PermissionError"),
)


@pytest.mark.root
@pytest.mark.parametrize(("analyse", "reason"), HOSTILE)
def test_a_hostile_analysis_fails_and_says_how(
    config: Config,
    tmp_path: Path,
    analyse: Callable[[Job, int], dict[str, Any]],
    reason: str,
) -> None:
    job = Job("0" * 32, tmp_path / "core", 0, None, None, ())
    with (tmp_path / "output").open("w+b") as output:
        backend = LinuxBackend(config)
        outcome: Outcome = Worker(
            job, output.fileno(), config, backend, analyse, NOBODY
        ).wait()

    assert outcome.verdict == Verdict.BROKE
    assert reason in outcome.reason
    assert "seccomp" in outcome.confinement
    assert not Path("/tmp/coresnap-written").exists()
