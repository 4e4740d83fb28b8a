"""What the configuration adds: a project, and attributes of a command."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import freebsd_corewriter as w
from coresnap.backends import crash_record
from coresnap.backends.linux import LinuxBackend
from coresnap.collect.assets import pack_assets
from coresnap.config import Config
from coresnap.config.interpret import interpret
from coresnap.crash import Archive, Crash, Stage
from coresnap.daemon import additions as module
from coresnap.daemon.additions import (
    OUTPUT_LIMIT,
    Additions,
    additions_for,
    ask_command,
    choose_project,
)
from coresnap.daemon.job import Job, analyse_core, preload
from coresnap.daemon.worker import Verdict, Worker
from coresnap.snapshot.container import read_snapshot
from shortpath import short_directory

ROOT_ONLY = pytest.mark.root
CRASH = Crash(pid=7, signal=11, time=0, uid=33, hostname="web1")


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that the worker's user may pass through; pytest's it may not."""
    with short_directory() as path:
        yield path


@pytest.fixture
def script(directory: Path) -> Callable[[str], Path]:
    """Write a program of root's that only its owner can change."""

    def write(body: str) -> Path:
        path = directory / "defaults"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


Script = Callable[[str], Path]


def ask(path: Path, application: str = "simple") -> Additions:
    return ask_command(Additions(application=application, command=path))


# --- the command ----------------------------------------------------------------


@ROOT_ONLY
def test_the_command_is_told_the_executable_s_name_and_nothing_else(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    path = script('echo "name=$1"; echo "count=$#"; env | sort; pwd')

    added = ask(path, "a b;$(id)")
    assert added.problem == ""
    lines = added.output.decode().splitlines()
    assert lines[:2] == ["name=a b;$(id)", "count=1"]
    assert lines[-1] == "/"
    names = {line.partition("=")[0] for line in lines[2:-1]}
    assert names <= {"PATH", "LANG", "PWD", "_", "SHLVL", "OLDPWD"}


@ROOT_ONLY
@pytest.mark.parametrize("name", ["", "-x", "a\0b", "\ud800", "x" * 5000])
def test_any_name_can_be_told(script: Script, name: str) -> None:
    added = ask(script("printf 'size=%s' ${#1}"), name)

    assert added.problem == ""
    assert added.output == f"size={len(name)}".encode()


@ROOT_ONLY
def test_a_command_that_fails_gives_nothing_and_a_problem(script: Script) -> None:
    added = ask(script("echo a=1; exit 3"))

    assert (added.output, added.problem) == (b"", "ended with 3")


@ROOT_ONLY
def test_a_command_that_dies_gives_nothing_and_a_problem(script: Script) -> None:
    assert ask(script("kill -TERM $$")).problem == f"ended with {-signal.SIGTERM}"


@ROOT_ONLY
@pytest.mark.parametrize("body", ["yes a=1", f"head -c {OUTPUT_LIMIT + 1} /dev/zero"])
def test_a_command_that_prints_too_much_is_ended(script: Script, body: str) -> None:
    added = ask(script(body))

    assert added.output == b""
    assert added.problem == f"printed more than {OUTPUT_LIMIT} bytes"


@ROOT_ONLY
def test_as_much_as_may_be_printed_is_taken(script: Script) -> None:
    added = ask(script(f"head -c {OUTPUT_LIMIT} /dev/zero"))

    assert (len(added.output), added.problem) == (OUTPUT_LIMIT, "")


@pytest.mark.linux
@ROOT_ONLY
@pytest.mark.parametrize(
    "body",
    [
        "sleep 60",
        "exec >&-; sleep 60",
        "sleep 60 & echo a=1",
        "trap '' TERM\nread x < /proc/self/mem; sleep 60",
    ],
)
def test_a_command_that_takes_too_long_is_ended_with_its_children(
    script: Script, body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.3)
    pids = tmp_path / "pid"
    path = script(f"echo $$ > {pids}\n{body}")

    added = ask(path)

    assert added.output == b""
    assert "did not end within" in added.problem
    session = pids.read_text().strip()
    end = time.monotonic() + 60
    while subprocess.run(["pgrep", "-s", session], capture_output=True).stdout:
        assert time.monotonic() < end, "a child outlived its command"


@ROOT_ONLY
def test_r17_the_command_can_take_neither_the_machine_nor_leave_a_core(
    script: Script,
) -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    limits = "for limit in c t v f n; do ulimit -H$limit; done"

    words = ask(script(limits)).output.split()
    assert [int(word) for word in words] == [
        0,  # in blocks; to the kernel it is 1 byte
        int(module.SECONDS) + 1,
        module.MEMORY_LIMIT // 1024,
        module.OUTPUT_LIMIT // 512,
        module.DESCRIPTOR_LIMIT,
    ]
    # The analysis that follows has its own.
    assert resource.getrlimit(resource.RLIMIT_CORE) == before


@ROOT_ONLY
@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_r17_a_command_that_others_may_change_is_not_run(
    script: Script, mode: int
) -> None:
    path = script("echo a=1")
    path.chmod(mode)

    assert ask(path).problem == "is not run: others than root may change it"


@ROOT_ONLY
def test_a_command_of_another_user_is_not_run(script: Script) -> None:
    path = script("echo a=1")
    os.chown(path, 12345, -1)

    assert "others than root" in ask(path).problem


@ROOT_ONLY
@pytest.mark.parametrize("way", ["directory", "target"])
def test_a_command_that_others_may_replace_is_not_run(
    script: Script, directory: Path, way: str
) -> None:
    real, seen = script("echo a=1"), directory / "seen"
    place = directory / "place"
    place.mkdir()
    os.chown(place, 12345, -1)
    inside = place / "defaults"
    real.rename(inside)
    if way == "target":
        seen.symlink_to(inside)

    path = seen if way == "target" else inside
    assert ask(path).problem == "is not run: others than root may change it"


def test_what_is_no_program_is_a_problem(tmp_path: Path) -> None:
    assert ask(tmp_path / "none").problem.startswith("cannot be run: ")
    assert ask(tmp_path).problem == "is not run: it is no file"


@ROOT_ONLY
def test_a_file_that_cannot_be_executed_is_a_problem(script: Script) -> None:
    path = script("echo a=1")
    path.chmod(0o644)

    assert ask(path).problem.startswith("cannot be run: ")


def test_no_command_is_no_problem() -> None:
    assert ask_command(Additions()) == Additions()


# --- what there is to add -------------------------------------------------------


def archive(executable: str) -> Archive:
    return Archive(
        id="0" * 32,
        stage=Stage.PENDING,
        application=os.path.basename(executable),
        time=0,
        has_core=True,
        has_snapshot=False,
        has_assets=True,
        size=0,
        disk_size=0,
        executable=executable,
    )


def configured(text: str) -> Config:
    reading = interpret(text)
    assert reading.errors == ()
    return reading.config


def test_the_default_command_need_not_exist_and_a_named_one_must(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_DEFAULT", tmp_path / "none")
    config = attrs.evolve(configured(""), defaults_command=tmp_path / "none")

    assert additions_for(archive("/bin/x"), config).command is None
    named = attrs.evolve(config, defaults_command=tmp_path / "mine")
    assert additions_for(archive("/bin/x"), named).command == tmp_path / "mine"


def test_the_application_s_project_goes_before_the_routes() -> None:
    config = configured(
        "[archive]\nformat.1 = web %E /^/usr/sbin/ %u /^33$/ %h /web/ %s /11/\n"
        "format.2 = other %e /^x$/\n"
        "[application /opt/*]\nproject = mine\n"
    )

    def project(executable: str, crash: Crash | None = CRASH) -> str | None:
        return choose_project(additions_for(archive(executable), config), crash)

    assert project("/opt/x") == "mine"
    assert project("/usr/sbin/nginx") == "web"
    assert project("/usr/sbin/nginx", None) is None
    assert project("/usr/sbin/nginx", attrs.evolve(CRASH, uid=0)) is None
    assert project("/bin/x") == "other"


# --- through the worker ---------------------------------------------------------


@ROOT_ONLY
def test_the_worker_adds_what_command_process_and_routes_say(
    script: Script, directory: Path
) -> None:
    config = configured("[archive]\nformat.1 = web %u /^33$/\n")
    config = attrs.evolve(
        config,
        root=directory,
        defaults_command=script(
            'echo "dc=newyork"; echo "user=$(id -u)"; echo "for=$1"'
        ),
    )
    members = {
        "crash.json": crash_record.encode(CRASH),
        "process/environ": b"CORESNAP_ATTRIBUTES=version=1\ndc=moon\0PATH=x\0",
    }
    assets = directory / "assets"
    assets.write_bytes(pack_assets(members, 0))
    assets.chmod(0o644)
    job = Job(
        "0" * 32,
        directory / "none",
        0,
        assets,
        None,
        (),
        is_record=True,
        additions=additions_for(archive("/usr/bin/simple"), config),
    )
    preload()
    with (directory / "out").open("w+b") as output:
        backend = LinuxBackend(config)
        worker = Worker(
            job, output.fileno(), config, backend, analyse_core, (65534, 65534)
        )
        outcome: Any = worker.wait()
        assert (outcome.verdict, outcome.reason) == (Verdict.DONE, "")
        snapshot = read_snapshot(os.dup(output.fileno()))

    assert outcome.facts["project"] == "web"
    wanted = {
        "coresnap.given.command": "dc user for",
        "coresnap.given.process": "version",
        "coresnap.project": "web",
        "dc": "newyork",
        "for": "simple",
        "user": "65534",
        "version": "1",
    }
    assert snapshot.attributes.items() >= wanted.items()
    assert any("dc, which is given already" in n.message for n in snapshot.notes)


def test_a_core_that_says_its_environment_gives_attributes_and_what_is_allowed(
    tmp_path: Path,
) -> None:
    place, texts = 0x7F00_0000, [b"app", b"LANG=C", b"CORESNAP_ATTRIBUTES=dc=moon"]
    texts += [b"TOKEN=abc", b"MINE=1"]
    pointers = [place + 0x400 + 0x40 * n for n in range(len(texts))]
    strings = w.AMD64.pack("PIxxxxPI", place + 0x100, 1, place + 0x108, 4)
    strings = strings.ljust(0x100, b"\0") + w.AMD64.pack("5P", *pointers)
    stack = strings.ljust(0x400, b"\0") + b"".join(t.ljust(0x40, b"\0") for t in texts)
    notes = [
        w.prstatus(w.AMD64, tid=1, registers={}, signal=11),
        w.psstrings(w.AMD64, place),
    ]
    core = tmp_path / "core"
    core.write_bytes(w.write_core(notes=notes, segments=[w.Segment(place, stack)]))
    config = configured("[application /bin/*]\nenviron.allow = MINE\n")
    added = additions_for(archive("/bin/app"), config)
    size = core.stat().st_size
    job = Job("0" * 32, core, size, None, None, (), additions=added)
    with (tmp_path / "out").open("w+b") as output:
        analyse_core(job, output.fileno())
        snapshot = read_snapshot(os.dup(output.fileno()))

    assert snapshot.assets["process/environ"].split(b"\0") == [texts[2], texts[4], b""]
    assert snapshot.attributes["dc"] == "moon"
    assert snapshot.attributes["coresnap.given.process"] == "dc"
