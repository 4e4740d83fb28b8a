"""``coresnap doctor``: each reason with its remedy, and an exit code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import kernel
from shortpath import short_directory

from .operations import Bench, make_bench


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    with short_directory() as directory:
        bench = make_bench(directory, capsys)
        yield bench


@pytest.mark.root
@pytest.mark.core_pattern
def test_a_machine_without_coresnap_fails_and_is_told_why(bench: Bench) -> None:
    with kernel.core_pattern("core"):
        answer = bench.run("doctor")

    assert answer.code == 1
    assert "FAIL  core-pattern" in answer.output
    assert "→ Run `coresnap install` as root." in answer.output
    assert "FAIL  spool" in answer.output


def test_json_has_a_remedy_for_everything_bad(bench: Bench) -> None:
    answer = bench.run("doctor", "--json")

    assert answer.code == 1
    body = answer.json
    assert body["healthy"] is False
    for finding in body["findings"]:
        assert finding["level"] in ("ok", "warn", "fail")
        assert bool(finding["remedy"]) == (finding["level"] != "ok")


@pytest.mark.root
@pytest.mark.core_pattern
def test_an_installed_machine_is_healthy(bench: Bench) -> None:
    with kernel.core_pattern("core"):
        bench.run("install")
        try:
            answer = bench.run("doctor")
        finally:
            bench.run("uninstall")

    assert answer.code == 0, answer.output
    assert "FAIL" not in answer.output
    assert "  ok  handler " in answer.output
    assert "warn  daemon" in answer.output


@pytest.mark.root
@pytest.mark.core_pattern
def test_a_handler_that_vanished_is_found(bench: Bench) -> None:
    with kernel.core_pattern("core"):
        bench.run("install")
        try:
            Path(bench.config.handler).unlink()
            answer = bench.run("doctor")
        finally:
            bench.run("uninstall")

    assert answer.code == 1
    assert f"{bench.config.handler} is missing" in answer.output


def test_another_process_can_be_asked_about(bench: Bench) -> None:
    answer = bench.run("doctor", "--json", "--pid", str(os.getppid()))

    (limit,) = [f for f in answer.json["findings"] if f["check"] == "core-limit"]
    assert f"({os.getppid()})" in limit["message"]


def test_a_process_that_is_gone_is_a_warning(bench: Bench) -> None:
    answer = bench.run("doctor", "--json", "--pid", str(2**22 + 1))

    (limit,) = [f for f in answer.json["findings"] if f["check"] == "core-limit"]
    assert limit["level"] == "warn"
    assert limit["message"] == f"there is no process {2**22 + 1}"


def test_what_keeps_snapshots_from_the_store_is_told(bench: Bench) -> None:
    store = bench.directory / "coroner.cf"
    store.write_text("[universe]\nname = cf\nwrite = http://127.0.0.1:9\n")
    with bench.source.open("a") as file:
        file.write(f"[sending]\nstore.config = {store}\n")

    answer = bench.run("doctor", "--json")
    findings = {one["check"]: one for one in answer.json["findings"]}

    assert findings["store"]["level"] == "fail"
    assert "127.0.0.1:9" in findings["store"]["message"]
    assert findings["store"]["remedy"]
