"""``coresnap status``: whole with rights, partial without, never an exception."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.backends.base import CaptureStatus
from coresnap.backends.fake import FakeBackend
from coresnap.collect.admission import Admission, Kind
from coresnap.collect.disk import Disk
from coresnap.collect.journal import Event, Journal
from coresnap.collect.overview import Overview, Unknown, read_overview
from coresnap.collect.sending_state import (
    SendingState,
    SetAside,
    write_sending_state,
)
from coresnap.collect.spool import Part
from coresnap.errors import AccessError
from coresnap.views.cli.status_check import Verdict, check_line

from .operations import SECOND, Bench, make_bench

ID = "2d0221868b4f4f0e9d7c3f5f0c1a2b3c"


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return make_bench(tmp_path, capsys)


def test_nothing_installed_is_a_status_too(bench: Bench) -> None:
    answer = bench.run("status")

    assert answer.code == 0
    assert "daemon: does not run" in answer.output
    assert "no spool at" in answer.output
    assert "no journal at" in answer.output


def test_it_tells_what_there_is_and_what_was_given_up(bench: Bench) -> None:
    bench.create()
    bench.put({Part.CORE: bytes(1000)}, archive_id=ID)
    with Journal(bench.config.journal) as journal:
        journal.record(ID, Event.ARRIVED)
        journal.record(
            ID, Event.GAVE_UP, reason="bad\nbytes", confinement=["no-network"]
        )

    answer = bench.run("status")

    assert "pending  1 objects, 1.00 kB" in answer.output
    states = "0 waiting, 0 working, 0 ready, 0 sent, 0 refused, 1 failed"
    assert f"journal: {states}" in answer.output
    assert f"given up: {ID}: bad\\nbytes" in answer.output
    assert "last worker: no-network" in answer.output
    body = bench.run("status", "--json").json
    assert body["spool"]["stages"]["pending"]["objects"] == 1
    [failed] = body["journal"]["failed"]
    assert (failed["id"], failed["reason"]) == (ID, "bad\nbytes")
    assert body["daemon"] == {"pid": None}
    assert body["capture"]["system"] in ("Linux", "FreeBSD")


def test_it_tells_how_long_processes_were_held_and_what_was_kept(
    bench: Bench,
) -> None:
    bench.create()
    with Journal(bench.config.journal) as journal:
        held = (("full", 0.0025), ("full", 0.5), ("stacks", 2.0), ("record", None))
        for number, (rung, parked) in enumerate(held):
            journal.record(f"{number:032x}", Event.ARRIVED)
            journal.record(
                f"{number:032x}", Event.FINISHED, rung=rung, parked=parked, checks=[]
            )

    answer = bench.run("status")

    assert "kept: 2 full, 1 stacks, 1 record\n" in answer.output
    assert (
        "processes held: median 500 ms, 95 % at most 2 s, longest 2 s, of 3 crashes"
    ) in answer.output
    body = bench.run("status", "--json").json["journal"]
    assert body["parked"] == {"count": 3, "median": 0.5, "p95": 2.0, "longest": 2.0}
    assert body["rungs"] == {"full": 2, "stacks": 1, "record": 1}


def storm(*suppressed: int) -> Admission:
    kinds = [
        Kind(
            kind=f"{number:016x}",
            executable="0" * 16,
            name=f"server{number}\x1b",
            uid=0,
            signal=11,
            first=1 * SECOND,
            last=1_461_535_521 * SECOND,
            seen=count + 1,
            archived=1,
            suppressed=count,
            missed=count,
        )
        for number, count in enumerate(suppressed)
    ]
    return Admission(1000, 10, sum(suppressed), 3, tuple(kinds))


def test_what_storms_kept_out_is_named_most_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.create()
    found = storm(7, 0, 900, 1, 2, 3, 4)
    for place in ("admission", "overview"):
        name = f"coresnap.collect.{place}.read_admission"
        monkeypatch.setattr(name, lambda _: found)

    output = bench.run("status").output
    facts = bench.run("status", "--json").json["admission"]

    assert (
        "crashes: 1000 seen, 10 archived, 917 suppressed, 3 refused\n"
        "  900 suppressed: server2\\e SIGSEGV, the last on Sun Apr 24 "
    ) in output
    assert output.index("server2") < output.index("server0") < output.index("server6")
    assert "server1" not in output
    assert "  and 1 more kinds\n" in output
    assert facts["suppressed"] == 917
    assert [kind["suppressed"] for kind in facts["kinds"]] == [900, 7, 4, 3, 2, 1]
    lines = bench.run("list").output.splitlines()
    assert lines[-1].startswith("917 crashes were only counted (6 kinds): ")


def test_without_a_storm_nothing_is_said_of_one(bench: Bench) -> None:
    bench.create()

    assert "crashes: " not in bench.run("status").output
    assert "counted" not in bench.run("list").output
    assert bench.run("list", "--json").json["admission"]["suppressed"] == 0


def test_a_damaged_table_of_admission_hides_nothing_else(bench: Bench) -> None:
    bench.create()
    bench.config.admission.write_bytes(b"rubbish")

    answer = bench.run("status")

    assert answer.code == 0
    assert "crashes: " in answer.output
    assert "is not a table of admission" in answer.output
    assert "journal" in answer.output
    assert bench.run("list").code == 0


def test_the_daemon_is_seen(bench: Bench) -> None:
    import os
    import signal

    bench.create()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with Journal(bench.config.journal):
            os.write(writer, b"!")
            signal.pause()
    os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    try:
        assert f"daemon: runs as process {pid}" in bench.run("status").output
        assert bench.run("status", "--json").json["daemon"] == {"pid": pid}
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_without_rights_it_tells_the_rest(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object) -> None:
        raise AccessError("may not look")

    for name in ("is_locked", "read_summary", "Spool"):
        monkeypatch.setattr(f"coresnap.collect.overview.{name}", refuse)

    answer = bench.run("status")

    assert answer.code == 0
    assert answer.output.count("may not look") == 3
    assert "crashes go to" in answer.output


def test_a_damaged_journal_hides_nothing_else(bench: Bench) -> None:
    bench.create()
    bench.config.journal.write_bytes(b"x" * 5000)

    body = bench.run("status", "--json").json

    assert str(bench.config.journal) in body["journal"]["unknown"]
    assert body["spool"]["stages"]["pending"]["objects"] == 0


def test_it_tells_where_snapshots_go_what_waits_and_why(bench: Bench) -> None:
    bench.create()
    with Journal(bench.config.journal) as journal:
        for number in range(3):
            archive_id = f"{number:032x}"
            bench.put({Part.SNAPSHOT: b"s"}, archive_id=archive_id)
            journal.record(archive_id, Event.ARRIVED)
            journal.record(archive_id, Event.FINISHED)
        journal.record(f"{0:032x}", Event.REFUSED, reason="too large")
    assert "sending:" not in bench.run("status").output
    state = SendingState(
        "https://store:6098",
        "it is away",
        int(time.time()) + 60,
        (SetAside(f"{1:032x}", "died of it"),),
    )
    write_sending_state(bench.config.sending_state, state)

    answer = bench.run("status")

    assert "sending: to https://store:6098, 2 wait, 1 were refused" in answer.output
    assert "it is away" in answer.output
    assert "the next try comes within " in answer.output
    assert f"  set aside: {1:032x}: died of it\n" in answer.output
    assert bench.run("status", "--json").json["sending"]["store"] == state.store
    assert "last sent" not in answer.output


# --- what waits, and for how long -------------------------------------------------


def test_it_tells_for_how_long_what_waits_has_waited(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.create()
    now = time.time_ns()
    with Journal(bench.config.journal) as journal:
        for number, age in enumerate((7300, 20, 5)):
            monkeypatch.setattr("time.time_ns", lambda age=age: now - age * SECOND)
            journal.record(f"{number:032x}", Event.ARRIVED)
        journal.record(f"{2:032x}", Event.FINISHED)
        journal.record(f"{2:032x}", Event.SENT)
    monkeypatch.setattr("time.time_ns", lambda: now)
    write_sending_state(bench.config.sending_state, SendingState("https://store"))

    output = bench.run("status").output
    body = bench.run("status", "--json").json["journal"]

    assert "waiting for analysis: 2, the oldest for 121m40s\n" in output
    assert "waiting for the store" not in output
    assert ", 5 s ago\n" in output[output.index("last sent: ") :]
    assert body["oldest"]["waiting"] == now - 7300 * SECOND
    assert body["last"]["sent"] == now - 5 * SECOND


def test_a_process_that_is_held_just_now_is_counted(bench: Bench) -> None:
    bench.create()
    bench.put({Part.ASSETS: b"begun"}, archive_id=ID)
    assert "held just now" not in bench.run("status").output

    with open(bench.config.spool / "assets" / ID, "rb") as assets:
        fcntl.flock(assets, fcntl.LOCK_EX)
        output = bench.run("status").output
        held = bench.run("status", "--json").json["spool"]["held"]

    assert "  1 processes are held just now, the first for " in output
    assert held["count"] == 1
    assert held["since"] > 0


def test_the_disk_is_told_with_what_is_left_until_less_is_kept(bench: Bench) -> None:
    bench.create()
    disk = bench.run("status", "--json").json["disk"]

    found = os.statvfs(bench.config.spool)
    assert disk["size"] == found.f_blocks * found.f_frsize
    assert disk["quota"] == bench.config.dump_quota
    assert (
        disk["until_quota"] == disk["available"] - disk["size"] * disk["quota"] // 100
    )


# --- for monitors ------------------------------------------------------------------


def overview_of(bench: Bench) -> Overview:
    """An overview in which all is well but what the journal says."""
    capture = CaptureStatus("Linux", True, "coresnap", {})
    disk = Disk("/spool", 10**12, 5 * 10**11, 5 * 10**11, 10**6, 10**6, 10)
    well = read_overview(bench.config, FakeBackend())
    return attrs.evolve(well, capture=capture, daemon=1, disk=disk, sending=None)


@pytest.fixture
def well(bench: Bench) -> Overview:
    bench.create()
    Journal(bench.config.journal).close()
    return overview_of(bench)


def test_all_is_well(well: Overview) -> None:
    verdict, line = check_line(well)

    assert verdict is Verdict.OK
    assert line.startswith("CORESNAP OK - crashes are caught | waiting=0 waiting_age=0")


def test_the_worst_comes_first_and_is_the_exit_code(well: Overview) -> None:
    capture = CaptureStatus("Linux", False, "apport | evil\n", {})
    state = SendingState("https://store", "it is away", 0, (SetAside(ID, "died"),))

    verdict, line = check_line(attrs.evolve(well, capture=capture, sending=state))

    assert verdict is Verdict.CRITICAL
    assert line.startswith("CORESNAP CRITICAL - crashes go to apport / evil\\n, not to")
    assert "1 are set aside and not sent; nothing is sent: it is away | " in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({"daemon": None}, Verdict.CRITICAL, "coresnapd does not run"),
        ({"journal": Unknown("may not look")}, Verdict.UNKNOWN, "may not look"),
        (
            {"disk": Disk("/spool", 1000, 99, 901, 0, 0, 10)},
            Verdict.CRITICAL,
            "less than 10 % of /spool is free",
        ),
        (
            {"disk": Disk("/spool", 1000, 500, 500, 1000, 99, 10)},
            Verdict.CRITICAL,
            "less than 10 % of /spool is free",
        ),
        (
            {"disk": Disk("/spool", 1000, 120, 880, 0, 0, 10)},
            Verdict.WARNING,
            "nearly at the quota",
        ),
    ],
)
def test_what_is_wrong_is_named(
    well: Overview, change: dict[str, Any], verdict: Verdict, words: str
) -> None:
    found, line = check_line(attrs.evolve(well, **change))

    assert found is verdict
    assert words in line


def test_what_was_given_up_long_ago_is_no_warning_any_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.create()
    now = time.time_ns()
    with Journal(bench.config.journal) as journal:
        monkeypatch.setattr("time.time_ns", lambda: now - 90_000 * SECOND)
        journal.record(ID, Event.ARRIVED)
        journal.record(ID, Event.GAVE_UP, reason="no ELF")
        monkeypatch.setattr("time.time_ns", lambda: now)
    before, _ = check_line(overview_of(bench))
    with Journal(bench.config.journal) as journal:
        journal.record(f"{1:032x}", Event.ARRIVED)
        journal.record(f"{1:032x}", Event.GAVE_UP, reason="no ELF")
    after, line = check_line(overview_of(bench))

    assert (before, after) == (Verdict.OK, Verdict.WARNING)
    assert "1 given up within a day" in line


def test_the_command_exits_with_the_verdict(bench: Bench) -> None:
    bench.create()

    answer = bench.run("status", "--check")

    assert answer.code == Verdict.CRITICAL
    assert answer.output.startswith("CORESNAP CRITICAL - ")
    assert answer.output.count("\n") == 1
