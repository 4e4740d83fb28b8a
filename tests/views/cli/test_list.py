"""``coresnap list``: the announcement's layout."""

from __future__ import annotations

import fcntl
import re
from pathlib import Path

import pytest

from coresnap.collect.journal import Event, Journal
from coresnap.collect.sending_state import (
    SendingState,
    SetAside,
    write_sending_state,
)
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


def test_what_is_being_dumped_and_what_is_not_whole_say_so(bench: Bench) -> None:
    bench.put({}, archive_id=ID, time=1 * SECOND)
    bench.put({Part.CORE: b"x"}, time=2 * SECOND, capture={"rung": "stacks"})
    bench.put({Part.CORE: b"x"}, time=3 * SECOND, capture={"rung": "full"})
    with (bench.config.spool / "assets" / ID).open("rb") as handler:
        fcntl.flock(handler, fcntl.LOCK_EX)
        lines = bench.run("list").output.splitlines()
        asked = bench.run("show", ID)

    assert re.match(r" {3}pending/\S+ --a simple .*kB  dumping$", lines[0])
    assert lines[1].endswith(" 1B  stacks")
    assert lines[2].endswith(" 1B")
    assert asked.code == 66
    assert "is just being dumped" in asked.error
    assert bench.run("list").output.splitlines()[0].endswith("  record")


def test_verbose_says_how_each_core_was_taken(bench: Bench) -> None:
    bench.put(
        {Part.CORE: b"x"},
        archive_id=ID,
        kind="0123456789abcdef",
        suppressed=12,
        capture={
            "rung": "notes",
            "rung_reason": "budget",
            "parked": 2_500_000,
            "budget": 120 * SECOND,
        },
    )

    lines = bench.run("list", "-v").output.splitlines()

    assert lines[1] == (
        f"      {ID}; held 2.5 ms of 2m00s; notes: budget; kind 0123456789abcdef; "
        "12 of its kind suppressed before"
    )
    (archive,) = bench.run("list", "--json").json["archives"]
    assert archive["suppressed"] == 12
    assert archive["parked"] == 2_500_000
    assert (archive["rung"], archive["rung_reason"]) == ("notes", "budget")


def test_it_says_of_each_whether_the_store_has_it_and_why_not(bench: Bench) -> None:
    ids = [f"{number:032x}" for number in range(4)]
    with Journal(bench.config.journal) as journal:
        for archive_id in ids:
            bench.put({Part.SNAPSHOT: b"s"}, archive_id=archive_id)
            journal.record(archive_id, Event.ARRIVED)
            journal.record(archive_id, Event.FINISHED)
        journal.record(ids[0], Event.SENT)
        journal.record(ids[1], Event.REFUSED, reason="too large")
    aside = (SetAside(ids[2], "what sends died of it"),)
    state = SendingState("https://store:6098", "it is away", aside=aside)
    write_sending_state(bench.config.sending_state, state)

    lines = bench.run("list").output.splitlines()
    text = bench.run("list", "-v").output
    answer = bench.run("list", "--json").json

    assert [line.rpartition("1B")[2].strip() for line in lines[:4]] == [
        "",
        "refused",
        "aside",
        "",
    ]
    assert f"{ids[0]}; sent\n" in text
    assert f"{ids[1]}; refused by the store: too large\n" in text
    assert f"{ids[2]}; set aside and not sent: what sends died of it\n" in text
    assert f"{ids[3]}; waits for the store: it is away\n" in text
    assert {one["id"]: one["sending"] for one in answer["archives"]} == {
        ids[0]: {"state": "sent", "reason": ""},
        ids[1]: {"state": "refused", "reason": "too large"},
        ids[2]: {"state": "aside", "reason": "what sends died of it"},
        ids[3]: {"state": "waiting", "reason": "it is away"},
    }


def test_a_record_whose_handler_died_says_that(bench: Bench) -> None:
    bench.put({}, archive_id=ID)

    assert "; record: killed" in bench.run("list", "-v").output
    (archive,) = bench.run("list", "--json").json["archives"]
    assert (archive["dumping"], archive["core"], archive["rung"]) == (
        False,
        False,
        "record",
    )


def test_damaged_assets_spoil_no_line(bench: Bench) -> None:
    bench.put(
        {Part.CORE: b"x"},
        capture={"rung": [1], "parked": "x", "budget": True, "rung_reason": {}},
    )
    bench.put({Part.CORE: b"x", Part.ASSETS: b"no tar"})

    assert bench.run("list", "-v").code == 0


# --- history ------------------------------------------------------------------


def test_the_history_of_a_crash_can_be_read_beside_the_daemon(bench: Bench) -> None:
    with Journal(bench.config.journal) as journal:
        journal.record(ID, Event.ARRIVED)
        journal.record(ID, Event.STARTED)
        journal.record(ID, Event.BROKE, reason="bad\nbytes", confinement=["a", "b"])
        journal.record("f" * 32, Event.ARRIVED)

        lines = bench.run("list", "--history", "pending/2d022186-8b4...").output
        records = bench.run("list", "--history", ID, "--json").json

    heading, arrived, started, broke, _ = lines.split("\n")
    assert heading == ID
    assert arrived.split()[-2:] == ["arrived", "waiting"]
    assert started.split()[-2:] == ["started", "working"]
    assert broke.endswith("  broke        waiting  reason=bad\\nbytes confinement=a,b")
    assert [record["event"] for record in records] == ["arrived", "started", "broke"]


def test_a_history_is_asked_for_by_an_id_that_means_one(bench: Bench) -> None:
    with Journal(bench.config.journal) as journal:
        journal.record(ID, Event.ARRIVED)
        journal.record("2d" + "f" * 30, Event.ARRIVED)

    assert bench.run("list", "--history", "2d").code == 2
    assert "knows no crash ee" in bench.run("list", "--history", "ee").error
    assert bench.run("list", "--history", "../x").code == 2


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
        "dumping": False,
        "rung": None,
        "rung_reason": None,
        "parked": None,
        "budget": None,
        "kind": None,
        "suppressed": 0,
        "sending": None,
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
