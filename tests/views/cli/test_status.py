"""``coresnap status``: whole with rights, partial without, never an exception."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from coresnap.collect.admission import Admission, Kind
from coresnap.collect.journal import Event, Journal
from coresnap.collect.sending_state import (
    SendingState,
    SetAside,
    write_sending_state,
)
from coresnap.collect.spool import Part
from coresnap.errors import AccessError

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
    assert body["journal"]["failed"] == [{"id": ID, "reason": "bad\nbytes"}]
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
    assert "processes held: median 500 ms, longest 2 s, of 3 crashes" in answer.output
    body = bench.run("status", "--json").json["journal"]
    assert body["parked"] == {"count": 3, "median": 0.5, "longest": 2.0}
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
    monkeypatch.setattr("coresnap.collect.admission.read_admission", lambda _: found)

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

    monkeypatch.setattr("coresnap.collect.journal.is_locked", refuse)
    monkeypatch.setattr("coresnap.collect.journal.read_entries", refuse)
    monkeypatch.setattr("coresnap.collect.spool.Spool", refuse)

    answer = bench.run("status")

    assert answer.code == 0
    assert answer.output.count("may not look") == 3
    assert "crashes go to" in answer.output


def test_a_damaged_journal_is_an_error_with_json(bench: Bench) -> None:
    bench.create()
    bench.config.journal.write_bytes(b"x" * 5000)

    answer = bench.run("status", "--json")

    assert answer.code == 74
    assert answer.json["error"]["class"] == "StorageError"


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
