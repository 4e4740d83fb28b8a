"""``coresnap install`` and ``uninstall`` on this kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import kernel
from shortpath import short_directory

from .operations import Bench, make_bench

pytestmark = [pytest.mark.root, pytest.mark.core_pattern]


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    with short_directory() as directory, kernel.core_pattern("core", suid_dumpable=0):
        yield make_bench(directory, capsys)


def test_install_and_uninstall_are_told_and_undone(bench: Bench) -> None:
    installed = bench.run("install")

    assert installed.code == 0
    assert f"come to {bench.config.spool}" in installed.output
    assert "kernel.core_pattern = |" in installed.output
    assert kernel.CORE_PATTERN.read_text().startswith(f"|{bench.config.handler}")

    uninstalled = bench.run("uninstall")

    assert uninstalled.code == 0
    assert "go to the kernel" in uninstalled.output
    assert f"{bench.config.root} is kept" in uninstalled.output
    assert kernel.CORE_PATTERN.read_text() == "core\n"
    assert kernel.CORE_PIPE_LIMIT.read_text() == "0\n"


def test_json_has_the_settings(bench: Bench) -> None:
    installed = bench.run("install", "--json").json
    uninstalled = bench.run("uninstall", "--json").json

    assert installed["installed"] is True
    assert installed["owner"] == "coresnap"
    assert installed["settings"]["kernel.core_pipe_limit"] == "16"
    assert uninstalled["installed"] is False
    assert uninstalled["settings"]["kernel.core_pattern"] == "core"


def test_the_door_is_told(bench: Bench) -> None:
    text = bench.run("install").output
    told = bench.run("status", "--json").json["capture"]
    modes = kernel.SYSCTL / "kernel/core_modes"

    assert told["door"] == "pipe"
    if modes.exists() and "socket" in modes.read_text():
        assert "door: the pipe; the socket while coresnapd runs" in text
        assert told["daemon_door"] == "socket"
    else:
        assert "door: the pipe\n" in text
        assert told["daemon_door"] == "pipe"


def test_the_socket_is_ours_and_given_back(bench: Bench) -> None:
    bench.run("install")
    kernel.CORE_PATTERN.write_text(f"@@{bench.config.door_socket}")

    told = bench.run("status", "--json").json["capture"]
    assert (told["owner"], told["door"]) == ("coresnap", "socket")
    bench.run("install")
    assert kernel.CORE_PATTERN.read_text().startswith("|")
    kernel.CORE_PATTERN.write_text(f"@@{bench.config.door_socket}")
    bench.run("uninstall")

    assert kernel.CORE_PATTERN.read_text() == "core\n"


def test_another_handler_is_left_alone_unless_it_is_replaced(bench: Bench) -> None:
    theirs = "|/usr/share/apport/apport -p%p"
    kernel.CORE_PATTERN.write_text(theirs)

    refused = bench.run("install")
    assert refused.code == 69
    assert "apport handles" in refused.error
    assert "--replace" in refused.error
    assert kernel.CORE_PATTERN.read_text() == theirs + "\n"

    assert bench.run("install", "--replace").code == 0
    assert bench.run("uninstall").code == 0
    assert kernel.CORE_PATTERN.read_text() == theirs + "\n"


def test_what_was_changed_since_is_named(bench: Bench) -> None:
    bench.run("install")
    kernel.CORE_PATTERN.write_text("/cores/%p")

    answer = bench.run("uninstall")

    assert answer.code == 0
    assert "problem: kernel.core_pattern was changed since" in answer.output
    assert kernel.CORE_PATTERN.read_text() == "/cores/%p\n"


def test_a_user_is_told_to_be_root(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    for command in ("install", "uninstall"):
        answer = bench.run(command)
        assert answer.code == 77
        assert "as root" in answer.error


def test_a_bad_configuration_changes_nothing(bench: Bench) -> None:
    bench.source.write_text("[archive]\nroot = nowhere\n")

    answer = bench.run("install")

    assert answer.code == 78
    assert "coresnap.conf:2: [archive] root" in answer.error
    assert kernel.CORE_PATTERN.read_text() == "core\n"
