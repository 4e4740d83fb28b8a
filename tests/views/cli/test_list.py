"""``coresnap list``: the announcement's layout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coresnap.collect.spool import Part

from .operations import SECOND, Bench, make_bench

ID = "2d0221868b4f4f0e9d7c3f5f0c1a2b3c"


@pytest.fixture
def bench(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Bench:
    monkeypatch.setenv("TZ", "America/New_York")
    import time

    time.tzset()
    bench = make_bench(tmp_path, capsys)
    bench.create()
    return bench


def test_a_line_is_what_the_announcement_shows(bench: Bench) -> None:
    bench.put({Part.SNAPSHOT: bytes(18_810)}, archive_id=ID)

    answer = bench.run("list", "-a", "simple")

    assert answer.code == 0
    assert answer.output == (
        "   sending/2d022186-8b4... -sa simple   Sun Apr 24 18:05:21 2016    18.81kB\n"
        "[pending]/0O/0B [sending]/1O/18.81kB\n"
    )


def test_flags_stage_and_footer_follow_the_parts(bench: Bench) -> None:
    bench.put({Part.CORE: bytes(20_300_000)}, time=1 * SECOND)
    bench.put({Part.CORE: b"xx", Part.SNAPSHOT: b"y"}, time=2 * SECOND)
    bench.put({Part.SNAPSHOT: b"y"}, time=3 * SECOND)

    lines = bench.run("list").output.splitlines()

    assert re.match(r" {3}pending/\w{8}-\w{3}\.\.\. c-a simple .* 20\.30mB$", lines[0])
    assert re.match(r" {3}sending/\w{8}-\w{3}\.\.\. csa simple .* {6}1B$", lines[1])
    assert " -sa " in lines[2]
    assert lines[3] == "[pending]/2O/20.30mB [sending]/2O/2B"


def test_without_a_only_the_last_ones_are_shown(bench: Bench) -> None:
    ids = [bench.put({Part.CORE: b"x"}, time=n * SECOND) for n in range(1, 15)]

    lines = bench.run("list").output.splitlines()

    assert lines[0] == "   ... 4 older, `coresnap list -a` shows all"
    assert [line.split()[0][8:16] for line in lines[1:-1]] == [i[:8] for i in ids[4:]]
    assert len(bench.run("list", "-a").output.splitlines()) == 15


@pytest.mark.parametrize("text", ["simp", ID[5:12], "2d022186-8b4f"])
def test_a_substring_selects_by_program_or_id(bench: Bench, text: str) -> None:
    bench.put({Part.CORE: b"x"}, archive_id=ID)
    bench.put({Part.CORE: b"x"}, executable="!bin!other", archive_id="f" * 32)

    lines = bench.run("list", text).output.splitlines()

    assert len(lines) == 2
    assert "2d022186" in lines[0]
    assert lines[1] == "[pending]/2O/2B [sending]/0O/0B"


def test_a_name_that_a_process_chose_cannot_move_the_cursor(bench: Bench) -> None:
    bench.put({Part.CORE: b"x"}, executable="!x!a\x1b[2Jb\nc\u202ed" + "e" * 200)

    output = bench.run("list").output

    assert output.count("\n") == 2
    assert output.isascii() or "…" in output
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert max(map(len, output.splitlines())) < 110


def test_json_has_numbers_and_whole_ids(bench: Bench) -> None:
    bench.put({Part.SNAPSHOT: bytes(7)}, archive_id=ID)

    answer = bench.run("list", "--json").json

    (archive,) = answer["archives"]
    assert archive | {"disk_size": 0} == {
        "id": ID,
        "stage": "sending",
        "application": "simple",
        "time": 1_461_535_521 * SECOND,
        "core": False,
        "snapshot": True,
        "assets": True,
        "size": 7,
        "disk_size": 0,
    }
    assert answer["stages"]["sending"]["objects"] == 1
    assert answer["stages"]["assets"]["objects"] == 1


def test_an_empty_spool_is_a_footer(bench: Bench) -> None:
    assert bench.run("list").output == "[pending]/0O/0B [sending]/0O/0B\n"


def test_a_missing_spool_is_an_error_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = make_bench(tmp_path, capsys).run("list")

    assert answer.code == 66
    assert "coresnap install" in answer.error


def test_errors_are_json_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = make_bench(tmp_path, capsys).run("list", "--json")

    assert answer.code == 66
    assert answer.json["error"]["class"] == "MissingError"
