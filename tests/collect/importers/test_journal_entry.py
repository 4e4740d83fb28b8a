"""Crashes that systemd's journal tells of, with their cores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coresnap.collect.importers.importer import Result
from coresnap.collect.spool import Part
from coresnap.errors import CoreFormatError, InputError, MissingError
from foreigncores import PID, journal_entry, journal_export, small_core

from .conftest import Bench
from .test_importer import PACKERS

TIME = 1_461_535_521 * 10**9


def as_json(entry: dict[str, bytes]) -> bytes:
    """``journalctl -o json``: bytes that are no text as a list of numbers."""

    def value(data: bytes) -> Any:  # noqa: ANN401
        return list(data) if b"\n" in data else data.decode()

    return json.dumps({name: value(v) for name, v in entry.items()}).encode() + b"\n"


def take_all(bench: Bench, path: Path) -> list[Result]:
    return list(bench.importer.take(path))


@pytest.mark.parametrize("form", ["export", "json"])
def test_an_entry_brings_its_core_and_what_it_knows(bench: Bench, form: str) -> None:
    core = bench.write("stored.zst", PACKERS["zstd"](small_core(path=b"/other")))
    entry = journal_entry(core)
    data = journal_export([entry]) if form == "export" else as_json(entry)

    result = bench.take(bench.write("crashes", data))

    assert result.format == "journal"
    assert result.taken is not None, result.problem
    told = bench.told(result.taken.id)
    assert (told["pid"], told["signal"], told["uid"]) == (PID, 11, 1000)
    assert told["time"] == TIME
    assert told["hostname"] == "imphost"
    assert told["path"] == "/srv/a.out"
    members = bench.members(result.taken.id)
    assert members["process/cmdline"] == b"/srv/a.out\0--name\0two words\0"
    assert members["process/status"] == entry["COREDUMP_PROC_STATUS"]
    assert members["process/fd"] == b"0 /dev/null\x001 socket:[77]\0"
    assert next(iter(members)) == "crash.json"


def test_the_environment_passes_as_policy_allows(bench: Bench) -> None:
    core = bench.write("stored", small_core())
    export = bench.write("crashes", journal_export([journal_entry(core)]))

    taken = bench.with_settings("environ.allow = LA*\n").imported(export)

    assert bench.members(taken.id)["process/environ"] == b"LANG=C\0"
    assert b"canary" not in bench.spool.path(Part.ASSETS, taken.id).read_bytes()


def test_entries_of_anything_else_are_passed_over(bench: Bench) -> None:
    core = bench.write("stored", small_core())
    other = {"__CURSOR": b"s=0", "MESSAGE": b"two\nlines", "_PID": b"1"}
    entries = [other, journal_entry(core), other]

    results = take_all(bench, bench.write("crashes", journal_export(entries)))

    assert len(results) == 1
    assert results[0].taken is not None


def test_a_core_that_is_gone_is_named_and_the_next_crash_goes_on(bench: Bench) -> None:
    core = bench.write("stored", small_core())
    entries = [
        journal_entry(Path("/nowhere/core.gone.zst"), COREDUMP_PID=b"1"),
        journal_entry(None, COREDUMP_PID=b"2"),
        journal_entry(core),
    ]

    first, second, third = take_all(
        bench, bench.write("crashes", journal_export(entries))
    )

    assert isinstance(first.problem, MissingError)
    assert "/nowhere/core.gone.zst" in str(first.problem)
    assert isinstance(second.problem, MissingError)
    assert "process 2" in second.name
    assert third.taken is not None


def test_a_core_beside_the_export_is_found_by_its_name(bench: Bench) -> None:
    bench.write("core.a.out.zst", PACKERS["zstd"](small_core()))
    entry = journal_entry(Path("/var/lib/nowhere/core.a.out.zst"))

    assert bench.imported(bench.write("crashes", journal_export([entry]))).is_new


def test_a_core_in_the_journal_itself_is_taken_from_there(bench: Bench) -> None:
    entry = journal_entry(None, COREDUMP=small_core())

    first, second = take_all(
        bench, bench.write("crashes", journal_export([entry, entry])[:-1])
    )

    assert first.taken is not None
    assert bench.core(first.taken.id) == small_core()
    assert not first.taken.truncated
    assert second.taken is not None
    assert not second.taken.is_new


def test_an_export_cut_within_the_core_brings_what_is_there(bench: Bench) -> None:
    whole = journal_export([{"COREDUMP_PID": b"5", "COREDUMP": small_core()}])

    taken = bench.imported(bench.write("crashes", whole[: len(whole) // 2]))

    assert taken.truncated
    assert small_core().startswith(bench.core(taken.id))


def test_a_core_that_systemd_cut_is_called_truncated(bench: Bench) -> None:
    core = bench.write("stored", small_core())
    entry = journal_entry(core, COREDUMP_TRUNCATED=b"1")

    taken = bench.imported(bench.write("crashes", journal_export([entry])))

    assert taken.truncated
    assert bench.told(taken.id, "capture.json")["cut"] == "source-ended"


def test_a_file_name_that_leads_to_no_core_is_refused(bench: Bench) -> None:
    export = journal_export([journal_entry(Path("/etc/passwd"))])

    result = bench.take(bench.write("crashes", export))

    assert isinstance(result.problem, CoreFormatError)
    assert bench.spool.archives() == []


def test_a_journal_without_a_crash_says_so(bench: Bench) -> None:
    export = journal_export([{"__CURSOR": b"s=0", "MESSAGE": b"hello"}])

    result = bench.take(bench.write("crashes", export))

    assert isinstance(result.problem, InputError)
    assert "no crash" in str(result.problem)


@pytest.mark.parametrize(
    "data",
    [
        b"COREDUMP_PID\n" + b"\xff" * 8 + b"x\n",
        b"COREDUMP_PID\n" + bytes(8),
        b"COREDUMP_PID\n\x01",
        b"COREDUMP_PID\n" + (3).to_bytes(8, "little") + b"12345\n",
        b"COREDUMP_PID=1",
        b'{"COREDUMP_PID": ',
        b"{" * 100_000,
        b'{"COREDUMP_PID": [1, 2, 999]}\n',
        b'{"COREDUMP_PID": {}}\n',
        b"[1]\n",
    ],
)
def test_a_damaged_journal_ends_in_a_sentence(bench: Bench, data: bytes) -> None:
    path = bench.write("crashes", data)

    assert isinstance(bench.take(path, "journal").problem, InputError)


def test_an_export_cut_anywhere_ends_in_cores_or_sentences(bench: Bench) -> None:
    core = bench.write("stored", small_core())
    export = journal_export([journal_entry(core), journal_entry(core)])
    for size in range(1, len(export), 13):
        results = take_all(bench, bench.write("crashes", export[:size]))
        assert results
        assert all(r.taken or r.problem for r in results)
