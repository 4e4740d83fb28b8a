"""``coresnap retry``: here, or by the daemon that runs."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.backends.linux import LinuxBackend
from coresnap.collect.journal import Event, Journal, State, read_entries
from coresnap.collect.spool import Part

from .operations import Bench

pytestmark = pytest.mark.root


def give_up(bench: Bench, archive_id: str) -> None:
    with Journal(bench.config.journal) as journal:
        journal.record(archive_id, Event.ARRIVED)
        journal.record(archive_id, Event.GAVE_UP, reason="no debug information")


@pytest.fixture
def real_core(tmp_path: Path) -> bytes:
    """A core of this kernel."""
    if shutil.which("gcore") is None:
        pytest.skip("not installed: gcore")
    import subprocess

    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        command = ["gcore", "-o", str(tmp_path / "core"), str(process.pid)]
        subprocess.run(command, check=True, capture_output=True)
        process.kill()
    return (tmp_path / f"core.{process.pid}").read_bytes()


def test_what_was_given_up_is_analysed_here_and_now(
    bench: Bench, real_core: bytes
) -> None:
    archive_id = bench.put({Part.CORE: real_core})
    give_up(bench, archive_id)

    answer = bench.run("retry", f"pending/{archive_id[:8]}")

    assert answer.code == 0, answer.error
    assert re_matches(rf"{archive_id}: analysed in \d+\.\d\d seconds\n", answer.output)
    assert read_entries(bench.config.journal)[archive_id].state is State.READY


def re_matches(pattern: str, text: str) -> bool:
    import re

    return re.fullmatch(pattern, text) is not None


def test_a_failure_is_an_error_with_its_reason(bench: Bench) -> None:
    archive_id = bench.put({Part.CORE: b"not a core"})

    answer = bench.run("retry", archive_id)

    assert answer.code == 70
    assert f"{archive_id} cannot be analysed: " in answer.error


def test_json_says_who_did_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_id = bench.put({Part.CORE: b"anything"})
    monkeypatch.setattr(
        "coresnap.daemon.inline.analyse_core", lambda job, fd: {"checks": []}
    )

    answer = bench.run("retry", archive_id, "--json").json

    assert (answer["id"], answer["by"]) == (archive_id, "command")
    assert answer["seconds"] > 0


@pytest.fixture
def daemon(bench: Bench) -> Iterator[LinuxBackend]:
    """Somebody who holds the journal, and hears what is announced."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with Journal(bench.config.journal):
            os.write(writer, b"!")
            signal.pause()
    os.read(reader, 1)
    for fd in (reader, writer):
        os.close(fd)
    backend = LinuxBackend(bench.config)
    backend.listen()
    yield backend
    backend.close()
    os.kill(pid, 9)
    os.waitpid(pid, 0)


def test_a_daemon_that_runs_is_asked(bench: Bench, daemon: LinuxBackend) -> None:
    archive_id = bench.put({Part.CORE: b"core", Part.SNAPSHOT: b"old"})

    answer = bench.run("retry", f"sending/{archive_id}", "--json")

    assert answer.code == 0, answer.error
    assert answer.json["by"] == "daemon"
    crash = daemon.receive(10)
    assert crash is not None
    assert crash.archive_id == archive_id


def test_a_daemon_that_does_not_listen_is_said(
    bench: Bench, daemon: LinuxBackend
) -> None:
    archive_id = bench.put({Part.CORE: b"core"})
    daemon.close()

    answer = bench.run("retry", archive_id)

    assert answer.code == 69
    assert "does not listen" in answer.error


def test_without_its_core_there_is_nothing_to_do_again(bench: Bench) -> None:
    archive_id = bench.put({Part.SNAPSHOT: b"snapshot"})

    answer = bench.run("retry", f"sending/{archive_id}")

    assert answer.code == 2
    assert "no core" in answer.error


@pytest.mark.parametrize(
    ("text", "code"), [("pending/abc", 66), ("sent/abc", 2), ("pending/", 2)]
)
def test_what_is_not_there_is_an_error(bench: Bench, text: str, code: int) -> None:
    assert bench.run("retry", text).code == code
