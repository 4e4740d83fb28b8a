"""Reports of apport, with their cores in base64."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

import pytest

from coresnap.collect.importers.apport import is_report
from coresnap.collect.spool import Part
from coresnap.errors import InputError
from foreigncores import PID, apport_report, small_core

from .conftest import Bench


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield None
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("format", ["gzip", "whole"])
def test_a_report_brings_its_core_and_what_it_knows(
    bench: Bench, utc: None, format: str
) -> None:
    core = small_core(pid=99, signal=4, memory=os.urandom(2 << 20))
    report = bench.write("a.crash", apport_report(core, format=format))

    result = bench.take(report)

    assert result.format == "apport"
    assert result.taken is not None, result.problem
    assert not result.taken.truncated
    assert bench.core(result.taken.id) == core
    told = bench.told(result.taken.id)
    assert (told["pid"], told["signal"], told["uid"]) == (PID, 11, 1000)
    assert told["path"] == "/usr/bin/a.out"
    when = datetime(2016, 4, 25, 0, 5, 21, tzinfo=UTC)
    assert told["time"] == int(when.timestamp()) * 10**9
    members = bench.members(result.taken.id)
    assert members["process/cmdline"] == b"a.out\0two words\0"
    assert members["process/cwd"] == b"/srv"
    assert b"Pid:\t4711" in members["process/status"]


def test_the_environment_passes_as_policy_allows(bench: Bench) -> None:
    report = bench.write("a.crash", apport_report(small_core()))

    taken = bench.with_settings("environ.allow = LANG\n").imported(report)

    assert bench.members(taken.id)["process/environ"] == b"LANG=C\0"
    assert b"canary" not in bench.spool.path(Part.ASSETS, taken.id).read_bytes()


def test_the_report_and_its_core_are_one_archive(bench: Bench) -> None:
    first = bench.imported(bench.write("a.crash", apport_report(small_core())))
    second = bench.imported(bench.write("core", small_core()))

    assert second.id == first.id
    assert not second.is_new


def test_a_report_without_a_core_says_so(bench: Bench) -> None:
    result = bench.take(bench.write("a.crash", apport_report(None)))

    assert isinstance(result.problem, InputError)
    assert "there is no core in this Crash" in str(result.problem)


def test_a_report_cut_within_its_core_brings_what_is_there(bench: Bench) -> None:
    core = small_core(memory=os.urandom(2 << 20))
    report = apport_report(core)

    taken = bench.imported(bench.write("a.crash", report[: len(report) // 2]))

    assert taken.truncated
    assert core.startswith(bench.core(taken.id))


def test_a_report_cut_anywhere_ends_in_a_core_or_a_sentence(bench: Bench) -> None:
    report = apport_report(small_core())
    for size in range(1, len(report), 37):
        result = bench.take(bench.write("a.crash", report[:size]))
        assert result.taken is not None or isinstance(result.problem, InputError)


def test_a_date_that_makes_no_sense_is_that_of_the_file(bench: Bench) -> None:
    report = bench.write("a.crash", apport_report(small_core(), Date="yesterday"))

    taken = bench.imported(report)

    assert bench.told(taken.id)["time"] == report.stat().st_mtime_ns


def test_a_text_that_only_looks_like_a_report_is_none() -> None:
    assert not is_report(b"Subject: hello\n")
    assert not is_report(b" ProblemType: Crash\n")
    assert is_report(apport_report(None))


@pytest.mark.parametrize(
    "fields",
    [
        {"../../../escaped": "x"},
        {"/escaped": "x"},
        {"ExecutablePath": "../../../../escaped"},
        {"Package": "../escaped 1.0", "SourcePackage": "/escaped"},
        {"CrashCounter": "__import__('os').mkdir('escaped')"},
        {"RespawnCommand": "touch escaped", "ProcCwd": "/escaped"},
    ],
)
def test_r16_a_report_s_keys_and_values_are_no_paths_and_no_code(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    root = bench.directory.parent
    monkeypatch.chdir(root)
    report = bench.write("a.crash", apport_report(small_core(), **fields))
    before = {path for path in root.rglob("*") if path.is_dir()}

    taken = bench.imported(report)

    assert {path for path in root.rglob("*") if path.is_dir()} == before
    assert [path.name for path in root.rglob("*escaped*")] == []
    names = {path.name for path in bench.spool.directory.rglob("*") if path.is_file()}
    assert names == {taken.id}
    assert not any("escaped" in name for name in bench.members(taken.id))
