"""Cores that a kernel wrote as files: taken once, or still waited for, or recorded."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import freebsd_corewriter as writer
from conftest import Corpus
from coresnap.collect.admission import read_admission
from coresnap.collect.importers.core_head import read_head
from coresnap.collect.importers.dropped import Arrived, take_dropped
from coresnap.collect.spool import Part, Spool, create_spool
from coresnap.config import ApplicationRules, Config, Rate, load_config
from coresnap.crash import Crash
from coresnap.errors import CoreFormatError, InputError, NoSpaceError

UID = os.geteuid()


def core_of(
    pid: int = 77, command: bytes = b"prog", signal: int = 11, place: int = 0x2000
) -> bytes:
    registers = {"rip": place}
    program = writer.vm_entry(0x1000, 0x9000, path=b"/bin/prog")
    return writer.write_core(
        notes=[
            writer.prpsinfo(writer.AMD64, pid=pid, command=command),
            *writer.thread(
                writer.AMD64, tid=100001, registers=registers, signal=signal
            ),
            writer.vmmap([program]),
        ],
        segments=[writer.Segment(0x1000, b"\1" * 9000)],
    )


@attrs.define
class World:
    spool: Spool
    config: Config
    directory: Path

    def take(self, data: bytes, name: str = "77.0.11.prog.core", **told: Any) -> Any:  # noqa: ANN401
        path = self.directory / name
        path.write_bytes(data)
        return self.take_path(path, **told)

    def take_path(
        self,
        path: Path,
        /,
        later: int = 0,
        **told: Any,  # noqa: ANN401
    ) -> Arrived | None:
        known = {"pid": 77, "signal": 11, "command": "prog", "uid": UID, **told}
        crash = Crash(time=path.stat().st_mtime_ns, core_path=str(path), **known)
        fd = os.open(path, os.O_RDONLY)
        try:
            clock = lambda: time.time_ns() + later * 10**9  # noqa: E731
            return take_dropped(self.spool, crash, fd, self.config, clock)
        finally:
            os.close(fd)

    def crash(self, arrived: Arrived | None) -> Crash:
        assert arrived is not None
        assert arrived.id is not None
        crash = self.spool.crash(arrived.id)
        assert crash is not None
        return crash


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "conf").touch()
    config = attrs.evolve(load_config(tmp_path / "conf"), root=tmp_path, dump_quota=0)
    create_spool(config.spool)
    (tmp_path / "drop").mkdir()
    with Spool(config.spool) as spool:
        yield World(spool, config, tmp_path / "drop")


def test_a_core_becomes_an_archive_of_the_same_bytes(world: World) -> None:
    data = core_of()

    arrived = world.take(data, path="/bin/prog", executable="/bin/prog")

    assert arrived.is_new
    core = world.spool.path(Part.CORE, arrived.id)
    assert core.read_bytes() == data
    assert stat.S_IMODE(core.stat().st_mode) == 0o600
    crash = world.crash(arrived)
    assert (crash.pid, crash.signal, crash.uid, crash.tid) == (77, 11, UID, 100001)
    assert (crash.path, crash.command) == ("/bin/prog", "prog")
    capture = world.spool.capture(arrived.id)
    assert (capture["way"], capture["truncated"]) == ("file", False)


def test_taken_again_it_is_the_same_archive(world: World) -> None:
    first = world.take(core_of())
    again = world.take(core_of())

    assert (again.id, again.is_new) == (first.id, False)
    assert len(world.spool.archives()) == 1


def test_what_the_notes_say_counts_before_name_and_event(world: World) -> None:
    arrived = world.take(core_of(pid=631, command=b"other", signal=6), path="/bin/prog")

    crash = world.crash(arrived)
    assert (crash.pid, crash.signal, crash.command) == (631, 6, "other")
    assert crash.path is None


def test_an_event_of_another_program_does_not_choose_the_policy(world: World) -> None:
    rules = ApplicationRules("/bin/secret", 1, {"keep": "nothing"})
    world.config = attrs.evolve(world.config, applications=(rules,))

    assert world.take(core_of(), path="/bin/secret").id is not None
    assert world.take(core_of(command=b"secret"), path="/bin/secret").id is None


@pytest.mark.corpus
def test_slots_that_were_used_again_have_the_pids_of_their_cores(
    world: World, corpus: Corpus
) -> None:
    pids = []
    for slot in range(5):
        path = corpus.path(f"freebsd/cores/idx.{slot}.core.zst")
        arrived = world.take_path(path, pid=0, signal=0, uid=None, path="/lab/x")
        pids.append(world.crash(arrived).pid)

    assert pids == [631, 633, 625, 627, 629]


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "pid"),
    [
        ("threads_zst/crash.546.0.11.fbsdlab.core.zst", 546),
        ("big_gz/crash.540.0.11.fbsdlab.core.gz", 540),
    ],
)
def test_what_the_kernel_compressed_is_stored_plain(
    world: World, corpus: Corpus, name: str, pid: int
) -> None:
    path = corpus.root / "freebsd/cores" / name

    arrived = world.take_path(path, pid=pid, command="crash", uid=None)

    crash = world.crash(arrived)
    assert (crash.pid, crash.command, crash.signal) == (pid, "crash", 11)
    assert arrived is not None
    assert arrived.id is not None
    core = world.spool.path(Part.CORE, arrived.id)
    with core.open("rb") as stream:
        assert stream.read(4) == b"\x7fELF"
    assert core.stat().st_blocks * 512 < core.stat().st_size


# --- not complete ---------------------------------------------------------------


@pytest.mark.parametrize("size", [200, 4000, 5000, 12000])
def test_a_core_shorter_than_its_headers_promise_is_waited_for(
    world: World, size: int
) -> None:
    data = core_of()[:size]

    assert world.take(data) is None
    assert world.spool.archives() == []
    path = world.directory / "77.0.11.prog.core"
    arrived = world.take_path(path, later=3600)
    assert arrived is not None
    assert arrived.id is not None
    assert world.spool.capture(arrived.id)["truncated"]


def test_what_is_written_to_while_it_is_read_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coresnap.collect.importers import intake

    path = world.directory / "77.0.11.prog.core"
    path.write_bytes(core_of())
    real = read_head

    def write_meanwhile(*words: Any) -> Any:  # noqa: ANN401
        with path.open("ab") as stream:
            stream.write(b"more")
        return real(*words)

    monkeypatch.setattr(intake, "read_head", write_meanwhile)
    with pytest.raises(InputError, match="written to"):
        world.take_path(path)
    assert world.spool.archives() == []


# --- records --------------------------------------------------------------------


def test_an_empty_file_becomes_the_record_of_a_crash_once(world: World) -> None:
    arrived = world.take(b"")
    path = world.directory / "77.0.11.prog.core"
    again = world.take_path(path)

    assert again is not None
    assert (again.id, again.is_new) == (arrived.id, False)
    (archive,) = world.spool.archives()
    assert archive.is_record
    assert archive.application == "prog"
    crash = world.crash(arrived)
    assert (crash.pid, crash.signal, crash.uid) == (77, 11, UID)
    capture = world.spool.capture(archive.id)
    assert (capture["rung"], capture["rung_reason"]) == ("record", "core-limit")


@pytest.mark.corpus
def test_the_empty_core_of_a_small_limit_is_a_record(
    world: World, corpus: Corpus
) -> None:
    path = corpus.root / "freebsd/cores/limit64k/crash.581.0.11.fbsdlab.core"

    world.take_path(path, pid=581, uid=None)

    (archive,) = world.spool.archives()
    assert archive.is_record


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"keep": "record"}, "policy"),
        ({"limit_logical": 100}, "logical-limit"),
        ({"limit_physical": 100}, "physical-limit"),
    ],
)
def test_what_policy_does_not_keep_is_recorded(
    world: World, settings: dict[str, Any], reason: str
) -> None:
    world.config = attrs.evolve(world.config, **settings)

    arrived = world.take(core_of(pid=78), pid=78)

    (archive,) = world.spool.archives()
    assert archive.is_record
    assert world.spool.capture(archive.id)["rung_reason"] == reason
    assert world.crash(arrived).tid == 100001


def test_a_crash_of_which_nothing_is_kept_leaves_nothing(world: World) -> None:
    world.config = attrs.evolve(world.config, keep="nothing")

    arrived = world.take(core_of())

    assert arrived.id is None
    assert arrived.crash.pid == 77
    assert world.spool.archives() == []


# --- storms ---------------------------------------------------------------------


@pytest.fixture
def counted(world: World) -> World:
    """A world with a table of admission, as install makes it."""
    world.config.admission.touch()
    world.config = attrs.evolve(
        world.config, storm_rate=Rate(3, 3600), storm_kinds=Rate(100, 86400)
    )
    return world


def test_r11_of_many_alike_some_are_archived_and_the_rest_is_counted(
    counted: World,
) -> None:
    arrived = [counted.take(core_of(pid), pid=pid) for pid in range(100, 120)]

    assert len(counted.spool.archives()) == 3
    assert [one.id is None for one in arrived] == [False] * 3 + [True] * 17
    table = read_admission(counted.config.admission)
    assert (table.seen, table.archived, table.suppressed) == (20, 3, 17)
    assert table.kinds[0].name == "prog"
    assert table.kinds[0].uid == UID
    assert arrived[0].crash.kind == table.kinds[0].kind
    assert arrived[3].tell
    assert not arrived[4].tell


def test_r11_a_crash_elsewhere_in_the_program_is_archived_all_the_same(
    counted: World,
) -> None:
    for pid in range(100, 120):
        counted.take(core_of(pid), pid=pid)

    other = counted.take(core_of(200, place=0x3000), pid=200)

    assert other.id is not None
    crash = counted.crash(other)
    assert crash.kind == other.crash.kind
    assert crash.suppressed == 0


def test_the_next_archive_says_how_many_it_stands_for(counted: World) -> None:
    for pid in range(100, 120):
        counted.take(core_of(pid), pid=pid)
    counted.config = attrs.evolve(counted.config, storm_rate=Rate(0, 1))

    arrived = counted.take(core_of(300), pid=300)

    assert counted.crash(arrived).suppressed == 17


def test_a_crash_that_finds_no_room_leaves_the_next_as_new(counted: World) -> None:
    enough = counted.config
    counted.config = attrs.evolve(enough, dump_quota=100)
    for pid in range(100, 110):
        with pytest.raises(NoSpaceError):
            counted.take(core_of(pid), pid=pid)
    assert read_admission(counted.config.admission).refused == 10

    counted.config = enough
    assert counted.take(core_of(110), pid=110).id is not None


@pytest.mark.corpus
def test_the_same_fault_of_a_real_program_is_of_one_kind(
    counted: World, corpus: Corpus
) -> None:
    kinds = set()
    for name in ("idx.0", "idx.1", "static_segv/crash_static.463.0.11.fbsdlab"):
        path = corpus.path(f"freebsd/cores/{name}.core")
        arrived = counted.take_path(path, pid=0, command="crash_static", uid=None)
        kinds.add(counted.crash(arrived).kind)
    other = corpus.path("freebsd/cores/segv_null/crash.26.0.11.fbsdlab.core")
    arrived = counted.take_path(other, pid=26, command="crash", uid=None)

    assert len(kinds) == 1
    assert counted.crash(arrived).kind not in kinds


# --- hostile --------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"no core",
        b"\x7fELF",
        b"\x1f\x8b" + b"x" * 100,
        b"\x28\xb5\x2f\xfd" + b"\xff" * 100,
    ],
)
def test_r13_what_is_no_core_is_refused(world: World, data: bytes) -> None:
    with pytest.raises(InputError):
        world.take(data)
    assert world.spool.archives() == []


@pytest.mark.root
def test_r04_a_file_of_another_user_is_refused(world: World) -> None:
    with pytest.raises(InputError, match="user"):
        world.take(core_of(), uid=65534)


def test_r04_a_file_with_two_names_is_refused(world: World) -> None:
    path = world.directory / "a"
    path.write_bytes(core_of())
    os.link(path, world.directory / "b")

    with pytest.raises(InputError, match="plain file"):
        world.take_path(path)


def test_r12_without_room_nothing_is_taken(world: World) -> None:
    world.config = attrs.evolve(world.config, dump_quota=100)
    for data in (core_of(), b""):
        with pytest.raises(NoSpaceError):
            world.take(data)
    assert world.spool.archives() == []


def test_r13_damage_anywhere_is_an_error_or_an_archive(world: World) -> None:
    data = core_of()
    for at in range(0, 600, 3):
        hurt = data[:at] + b"\xff\xff\xff" + data[at + 3 :]
        try:
            world.take(hurt, later=3600)
        except (CoreFormatError, InputError, NoSpaceError):
            continue
