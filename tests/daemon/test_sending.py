"""From a snapshot in the spool to a fault in a real store."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import attrs
import pytest

from conftest import Tally
from coresnap.backends import select as select_backend
from coresnap.backends.fake import FakeBackend
from coresnap.collect.journal import Event, Journal, State
from coresnap.collect.sending_state import read_sending_state
from coresnap.collect.spool import Part, Spool, make_id
from coresnap.config import Config, load_config
from coresnap.crash import Crash
from coresnap.daemon.courier import Courier
from coresnap.daemon.outbox import Outbox
from coresnap.daemon.parcel import Parcel, Receipt
from coresnap.daemon.sender import Sender, start_sender
from coresnap.daemon.stages import Pipeline
from coresnap.snapshot.container import read_snapshot
from coresnap.store.access.projects import find_project
from coresnap.store.access.quotas import set_limits
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.projects import Limits
from kernel import core_pattern_left_alone
from store.server.live import LiveServer, running_server
from store.server.snapshots import make_snapshot

BACKEND = select_backend(load_config(Path(os.devnull)))
"""The real one: all of this is done by confined processes."""


@attrs.define
class Log:
    lines: list[str] = attrs.field(factory=list)

    def _say(self, event: str, **facts: object) -> None:
        self.lines.append(f"{event} {facts.get('remedy', '')}")

    info = warning = error = _say


@attrs.define
class Host:
    """A host with a spool, whose snapshots go to a store."""

    config: Config
    spool: Spool
    journal: Journal
    log: Log
    sender: Sender | None = None
    outbox: Outbox | None = None

    def crash(self, number: int, project: str = "blackhole", **attributes: str) -> str:
        """Leave a snapshot as the worker does."""
        archive_id = make_id()
        body = make_snapshot(
            number, number, **{**attributes, "coresnap.object": archive_id}
        )
        self.journal.record(archive_id, Event.ARRIVED)
        with self.spool.create(Part.SNAPSHOT) as file:
            os.write(file.fd, body)
            self.spool.commit(Part.SNAPSHOT, file, archive_id)
        self.journal.record(
            archive_id,
            Event.FINISHED,
            fingerprint=f"{number:064x}",
            project=project,
        )
        return archive_id

    def start(self) -> None:
        pipeline = Pipeline(
            self.config,
            self.spool,
            self.journal,
            FakeBackend(),
            _no_worker,
            self.log.info,
        )
        self.sender = start_sender(self.config, None, BACKEND, self.log)
        if self.sender is not None:
            self.outbox = Outbox(pipeline, self.sender, self.log)

    def run_until(self, holds: Callable[[], bool]) -> None:
        assert self.outbox is not None
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, self.log.lines
            self.turn()

    def turn(self) -> None:
        """Do what the daemon does in one turn of its loop."""
        assert self.outbox is not None
        self.outbox.turn()
        sender = self.outbox.sender
        if sender.is_alive and select.select([sender], [], [], 0.02)[0]:
            self.outbox.take()

    def state(self, archive_id: str) -> State:
        entry = self.journal.entry(archive_id)
        assert entry is not None
        return entry.state


def _no_worker(*arguments: object) -> dict[str, object]:
    raise AssertionError("nothing is analysed here")


def write_config(directory: Path, url: str, token: str, extra: str = "") -> Config:
    store = directory / "coroner.cf"
    store.write_text(
        f"[universe]\nname = cf\nwrite = {url}\nread = {url}\n"
        f"[token]\nblackhole = {token}\n"
    )
    store.chmod(0o600)
    path = directory / "coresnap.conf"
    path.write_text(
        f"[archive]\nroot = {directory / 'host'}\n"
        f"[sending]\nstore.config = {store}\nsend.retry.first = 1s\n"
        f"send.retry.most = 1s\n{extra}"
    )
    return load_config(path)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    (tmp_path / "store").mkdir()
    with running_server(tmp_path / "store") as server:
        yield server


@contextlib.contextmanager
def new_host(directory: Path, url: str, token: str, extra: str = "") -> Iterator[Host]:
    """A host below ``directory`` that sends to ``url``."""
    config = write_config(directory, url, token, extra)
    for part in Part:
        (config.spool / part).mkdir(parents=True, exist_ok=True)
    config.journal.parent.mkdir(exist_ok=True)
    host = Host(config, Spool(config.spool), Journal(config.journal), Log())
    host.start()
    yield host
    if host.sender is not None:
        host.sender.close()
    host.journal.close()


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[[str, str, str], Host]]:
    with contextlib.ExitStack() as hosts:

        def make(url: str, token: str, extra: str = "") -> Host:
            return hosts.enter_context(new_host(tmp_path, url, token, extra))

        yield make


def faults(live: LiveServer) -> set[str]:
    live.wait_until_indexed()
    with live.client(Capability.QUERY) as client:
        answer = client.post("query", json={"select": ["object"], "limit": 1000})
    return {row["values"][0] for row in answer.json()["rows"]}


def posting(live: LiveServer) -> str:
    return live.token(Capability.POST)


def test_a_snapshot_is_sent_acknowledged_and_written_down(
    live: LiveServer, make_host: Callable[..., Host]
) -> None:
    host = make_host(live.url, posting(live))
    archive_id = host.crash(1)

    host.run_until(lambda: host.state(archive_id) is State.SENT)

    assert faults(live) == {archive_id}
    entry = host.journal.entry(archive_id)
    assert entry is not None
    assert entry.detail["object"] == archive_id
    assert any(
        line.startswith(f"crash {archive_id} processed in ") for line in host.log.lines
    )


def test_secrets_stay_on_the_host(
    live: LiveServer, make_host: Callable[..., Host], tmp_path: Path
) -> None:
    secret = "AKIA" + "Q" * 8 + "7XT5WZ2B"
    host = make_host(live.url, posting(live))
    archive_id = host.crash(1, note=f"key {secret} end")

    host.run_until(lambda: host.state(archive_id) is State.SENT)

    with live.client(Capability.QUERY) as client:
        body = client.get(f"faults/{archive_id}").content
    (tmp_path / "got.csnap").write_bytes(body)
    sent = read_snapshot(tmp_path / "got.csnap")
    kept = read_snapshot(host.spool.open(Part.SNAPSHOT, archive_id))
    assert secret not in str(sent.attributes["note"])
    assert secret in str(kept.attributes["note"])


def test_a_store_that_is_away_is_waited_for_and_told_of_once(
    live: LiveServer, make_host: Callable[..., Host]
) -> None:
    token = posting(live)
    host = make_host("http://127.0.0.1:9", token)
    ids = [host.crash(number) for number in range(3)]
    assert host.outbox is not None
    failures: Callable[[], int] = lambda: host.outbox._failures  # type: ignore[union-attr]  # noqa: E731
    host.run_until(lambda: failures() >= 3)

    away = [line for line in host.log.lines if "is away" in line]
    state = read_sending_state(host.config.sending_state)
    assert len(away) == 1
    assert state is not None
    assert "127.0.0.1:9" in state.trouble
    assert {host.state(one) for one in ids} == {State.READY}
    assert len(host.journal.history(ids[0])) == 2, "a try that fails is no event"


def test_a_store_that_says_when_to_come_again_is_not_asked_before(
    live: LiveServer, make_host: Callable[..., Host]
) -> None:
    host = make_host(live.url, posting(live))
    store = live.server.store
    with store.state.write() as connection:
        project = find_project(connection, "cf", "blackhole")
        set_limits(connection, project, Limits(faults=0))
    before = time.monotonic()
    archive_id = host.crash(1)
    host.run_until(lambda: any("is away" in line for line in host.log.lines))

    assert host.outbox is not None
    assert host.outbox.next_try > before + 600, "a quota's Retry-After is ten minutes"
    assert host.state(archive_id) is State.READY


def test_a_snapshot_is_not_scrubbed_again_for_a_store_that_is_still_away(
    live: LiveServer,
    make_host: Callable[..., Host],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    scrubbings = tmp_path / "scrubbings"
    run = subprocess.run

    def run_and_note(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - anything
        with scrubbings.open("a") as file:
            file.write("one\n")
        return run(*arguments, **named)

    monkeypatch.setattr("coresnap.daemon.courier.subprocess.run", run_and_note)
    host = make_host("http://127.0.0.1:9", posting(live))
    host.crash(1)
    assert host.outbox is not None
    failures: Callable[[], int] = lambda: host.outbox._failures  # type: ignore[union-attr]  # noqa: E731
    host.run_until(lambda: failures() >= 3)

    assert scrubbings.read_text() == "one\n"


def test_what_the_store_refuses_does_not_keep_others_waiting(
    live: LiveServer, make_host: Callable[..., Host]
) -> None:
    host = make_host(live.url, posting(live))
    good = host.crash(1)
    bad = make_id()
    host.journal.record(bad, Event.ARRIVED)
    with host.spool.create(Part.SNAPSHOT) as file:
        os.write(file.fd, b"no snapshot at all")
        host.spool.commit(Part.SNAPSHOT, file, bad)
    host.journal.record(bad, Event.FINISHED, fingerprint="f" * 64)

    host.run_until(
        lambda: (host.state(good), host.state(bad)) == (State.SENT, State.REFUSED)
    )

    assert faults(live) == {good}


def test_a_wrong_token_stops_sending_with_one_line(
    live: LiveServer, make_host: Callable[..., Host]
) -> None:
    host = make_host(live.url, "0" * 64)
    archive_id = host.crash(1)
    host.run_until(lambda: any("lets us send nothing" in x for x in host.log.lines))
    assert host.outbox is not None
    for _ in range(5):
        host.outbox.turn()

    assert host.state(archive_id) is State.READY
    assert sum("lets us send nothing" in line for line in host.log.lines) == 1


@pytest.mark.linux
@pytest.mark.parametrize("which", ["warden", "courier", "both"])
def test_a_sender_that_is_killed_in_the_middle_loses_and_doubles_nothing(
    live: LiveServer, make_host: Callable[..., Host], which: str, tally: Tally
) -> None:
    host = make_host(live.url, posting(live))
    ids = {host.crash(number) for number in range(4)}
    assert host.outbox is not None
    assert host.sender is not None
    host.outbox.turn()
    courier = child_of(host.sender.pid)
    if which != "courier":
        os.kill(host.sender.pid, signal.SIGKILL)
    if which != "warden":
        os.kill(courier, signal.SIGKILL)
    if which == "both":
        assert select.select([host.sender], [], [], 60)[0]
        host.outbox.take()
        assert any("the sender ended" in line for line in host.log.lines)
        host.start()

    host.run_until(lambda: {host.state(one) for one in ids} == {State.SENT})

    assert faults(live) == ids
    tally("one or both of the sender's processes killed while it sends", whole=4)


def child_of(pid: int) -> int:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.monotonic() + 60
    while not (children := path.read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return int(children[0])


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Name a file; while a snapshot's id is in it, the sending process dies of that."""
    path = tmp_path / "deadly"
    path.touch()
    deliver = Courier.deliver

    def deliver_or_die(self: Courier, parcel: Parcel, snapshot: BinaryIO) -> Receipt:
        if parcel.id in path.read_text():
            os.kill(os.getpid(), signal.SIGSEGV)
        return deliver(self, parcel, snapshot)

    monkeypatch.setattr(Courier, "deliver", deliver_or_die)
    with core_pattern_left_alone():
        yield path


def test_a_snapshot_that_the_sender_dies_of_three_times_is_set_aside(
    deadly: Path, live: LiveServer, make_host: Callable[..., Host], tally: Tally
) -> None:
    host = make_host(live.url, posting(live))
    bad = host.crash(1)
    deadly.write_text(bad)
    good = {host.crash(number) for number in range(2, 5)}
    host.run_until(lambda: any("is set aside" in line for line in host.log.lines))

    assert {host.state(one) for one in good} == {State.SENT}
    assert host.state(bad) is State.READY
    state = read_sending_state(host.config.sending_state)
    assert state is not None
    assert state.trouble == ""
    assert [one.id for one in state.aside] == [bad]
    assert state.reason_aside(bad) == (
        "the process that sends died of SIGSEGV over it 3 times"
    )
    assert host.outbox is not None
    assert host.outbox.timeout is None, "it is not tried again"
    tally("a snapshot that the sender dies of: what waits behind it", whole=3)


@pytest.mark.parametrize("how", ["asked for", "restarted", "analysed again"])
def test_what_is_set_aside_is_tried_again_when_somebody_wants_it(
    deadly: Path, live: LiveServer, make_host: Callable[..., Host], how: str
) -> None:
    host = make_host(live.url, posting(live))
    bad = host.crash(1)
    deadly.write_text(bad)
    host.run_until(lambda: any("is set aside" in line for line in host.log.lines))
    deadly.write_text("")
    assert host.sender is not None
    assert host.outbox is not None
    if how == "asked for":
        host.outbox.pipeline.take(Crash(pid=1, signal=11, time=0, archive_id=bad))
    elif how == "restarted":
        host.sender.close()
        host.start()
    else:
        host.journal.record(bad, Event.RETRIED)
        host.outbox.turn()
        host.journal.record(bad, Event.FINISHED, fingerprint="f" * 64)

    host.run_until(lambda: host.state(bad) is State.SENT)

    state = read_sending_state(host.config.sending_state)
    assert state is not None
    assert state.aside == ()
    assert faults(live) == {bad}


@pytest.mark.parametrize(
    ("number", "state"),
    [(signal.SIGKILL, State.SENT), (signal.SIGSEGV, State.REFUSED)],
    ids=["by somebody", "of it"],
)
def test_a_scrubber_that_is_killed_is_tried_again_one_that_dies_of_it_is_not(
    live: LiveServer,
    make_host: Callable[..., Host],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    state: State,
) -> None:
    run, calls = subprocess.run, count()

    def run_or_kill(words: list[str], **named: Any) -> Any:  # noqa: ANN401
        # The courier, which counts, goes on living.
        first = next(calls) == 0
        dying = ["/bin/sh", "-c", f"kill -{int(number)} $$"]
        return run(dying if first else words, **named)

    monkeypatch.setattr(subprocess, "run", run_or_kill)
    host = make_host(live.url, posting(live))
    archive_id = host.crash(1)

    host.run_until(lambda: host.state(archive_id) is not State.READY)

    assert host.state(archive_id) is state


def test_a_scrubber_that_a_busy_machine_gives_no_time_is_tried_again(
    live: LiveServer, make_host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = subprocess.run, count()

    def run_or_wait(words: list[str], **named: Any) -> Any:  # noqa: ANN401
        if next(calls):
            return run(words, **named)
        return run(["sleep", "60"], **{**named, "timeout": 0.1})

    monkeypatch.setattr(subprocess, "run", run_or_wait)
    host = make_host(live.url, posting(live))
    archive_id = host.crash(1)

    host.run_until(lambda: host.state(archive_id) is not State.READY)

    assert host.state(archive_id) is State.SENT


@pytest.mark.linux
@pytest.mark.skipif(
    not Path("/proc/sys/kernel/seccomp").exists(),
    reason="this kernel has no seccomp filters",
)
def test_the_scrubber_is_confined_before_it_reads() -> None:
    words = [sys.executable, "-m", "coresnap.daemon.scrubbing_program", "{}"]
    env = {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=env
    ) as process:
        status = Path(f"/proc/{process.pid}/status")
        # It waits for its snapshot, of which nothing ever comes.
        deadline = time.monotonic() + 10
        while "Seccomp:\t2" not in status.read_text():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()


def test_a_mistake_of_ours_is_told_and_does_not_stop_the_others(
    live: LiveServer, make_host: Callable[..., Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Courier._send

    def fail(self: Courier, parcel: Parcel, *rest: Any) -> Receipt:  # noqa: ANN401
        if parcel.project == "deadly":
            raise ZeroDivisionError("a mistake")
        return send(self, parcel, *rest)

    monkeypatch.setattr(Courier, "_send", fail)
    host = make_host(live.url, posting(live))
    bad, good = host.crash(1, project="deadly"), host.crash(2)
    host.run_until(lambda: any("is set aside" in line for line in host.log.lines))

    assert (host.state(good), host.state(bad)) == (State.SENT, State.READY)
    assert any("ZeroDivisionError: a mistake (" in line for line in host.log.lines)


def test_a_system_that_cannot_confine_the_sender_is_told_of_once(
    live: LiveServer, make_host: Callable[..., Host]
) -> None:
    host = make_host(live.url, posting(live))
    host.log.lines.clear()
    sender = start_sender(host.config, None, FakeBackend(), host.log)
    assert sender is not None
    with sender:
        told = [line for line in host.log.lines if "has no Landlock" in line]

    assert len(told) == 1


def test_without_a_coroner_cf_nothing_is_started(tmp_path: Path) -> None:
    path = tmp_path / "coresnap.conf"
    path.write_text(
        f"[archive]\nroot = {tmp_path}\n[sending]\nstore.config = {tmp_path}/none.cf\n"
    )
    log = Log()

    assert start_sender(load_config(path), None, BACKEND, log) is None
    assert log.lines == []


def test_of_several_files_the_first_that_exists_names_the_store(
    tmp_path: Path,
) -> None:
    path = tmp_path / "coresnap.conf"
    names = [tmp_path / name for name in ("first.cf", "second.cf", "third.cf")]
    path.write_text(f"[sending]\nstore.config = {':'.join(map(str, names))}\n")
    config = load_config(path)
    assert config.store_file is None

    names[2].touch()
    names[1].touch()

    assert config.store_file == names[1]


def test_a_coroner_cf_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    store = tmp_path / "coroner.cf"
    store.write_text("[universe]\nwrit = x\n")
    path = tmp_path / "coresnap.conf"
    path.write_text(
        f"[archive]\nroot = {tmp_path}\n[sending]\nstore.config = {store}\n"
    )
    log = Log()

    assert start_sender(load_config(path), None, BACKEND, log) is None
    assert "coroner.cf:2" in log.lines[0]
