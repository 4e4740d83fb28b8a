"""The spool: names only for what is whole, and nothing hostile is touched."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.backends import crash_record
from coresnap.collect import parts, temporary_file
from coresnap.collect.assets import pack_assets
from coresnap.collect.spool import Part, Spool, create_spool, make_id
from coresnap.crash import Crash, Stage
from coresnap.errors import AccessError, MissingError, StorageError, UsageError

ID = "2d0221868b4f4f0e9d7c3f5f0c1a2b3c"
OTHER = "2d022186ffffffffffffffffffffffff"
DAY = 86400


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    create_spool(tmp_path / "archive")
    with Spool(tmp_path / "archive") as spool:
        yield spool


def put(
    spool: Spool, part: Part, archive_id: str, data: bytes, *, replace: bool = False
) -> None:
    with spool.create(part) as file:
        os.write(file.fd, data)
        spool.commit(part, file, archive_id, replace=replace)


def put_assets(spool: Spool, archive_id: str, crash: Crash) -> None:
    record = crash_record.encode(crash)
    put(spool, Part.ASSETS, archive_id, pack_assets({"crash.json": record}, 0))


# --- commit -------------------------------------------------------------------


@pytest.fixture(params=["tmpfile", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With O_TMPFILE, and on a filesystem without it."""
    if request.param == "named":
        monkeypatch.setattr(temporary_file, "_TMPFILE", None)
    return str(request.param)


def test_what_is_committed_is_whole_private_and_has_one_name(
    spool: Spool, way: str
) -> None:
    put(spool, Part.CORE, ID, b"core")

    status = spool.path(Part.CORE, ID).stat()
    assert spool.path(Part.CORE, ID).read_bytes() == b"core"
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_nlink == 1
    assert os.listdir(spool.directory / "pending") == [ID]


def test_what_is_not_committed_leaves_nothing(spool: Spool, way: str) -> None:
    with spool.create(Part.CORE) as file:
        os.write(file.fd, b"half")

    assert os.listdir(spool.directory / "pending") == []


def test_a_commit_never_replaces_what_is_there(spool: Spool, way: str) -> None:
    put(spool, Part.CORE, ID, b"first")

    with pytest.raises(StorageError, match="File exists"):
        put(spool, Part.CORE, ID, b"second")

    assert spool.path(Part.CORE, ID).read_bytes() == b"first"
    assert os.listdir(spool.directory / "pending") == [ID]


def test_a_commit_replaces_in_one_step_if_it_is_asked_to(
    spool: Spool, way: str
) -> None:
    put(spool, Part.SNAPSHOT, ID, b"first")
    with spool.path(Part.SNAPSHOT, ID).open("rb") as reader:
        put(spool, Part.SNAPSHOT, ID, b"second", replace=True)

        assert reader.read() == b"first"
    assert spool.path(Part.SNAPSHOT, ID).read_bytes() == b"second"
    assert os.listdir(spool.directory / "sending") == [ID]


def test_a_filesystem_without_nameless_files_is_served(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    nameless = temporary_file._TMPFILE
    if nameless is None:
        pytest.skip("this system has no O_TMPFILE")

    def refuse(path: str, flags: int, *args: int, **named: int) -> int:
        if flags & nameless == nameless:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real(path, flags, *args, **named)

    monkeypatch.setattr(os, "open", refuse)
    put(spool, Part.CORE, ID, b"core")

    assert spool.path(Part.CORE, ID).read_bytes() == b"core"


def test_ids_are_random_and_never_repeat() -> None:
    ids = {make_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(len(i) == 32 and set(i) <= set("0123456789abcdef") for i in ids)


# --- listing ------------------------------------------------------------------


def test_an_archive_tells_its_parts_and_its_process(spool: Spool) -> None:
    crash = Crash(pid=1, signal=11, time=1_461_535_521_000_000_000)
    put_assets(spool, ID, Crash(1, 11, crash.time, executable="!home!me!simple"))
    put(spool, Part.CORE, ID, b"x" * 5000)

    (archive,) = spool.archives()

    assert (archive.id, archive.stage) == (ID, Stage.PENDING)
    assert (archive.has_core, archive.has_snapshot, archive.has_assets) == (
        True,
        False,
        True,
    )
    assert archive.application == "simple"
    assert archive.executable == "/home/me/simple"
    assert archive.time == crash.time
    assert archive.size == 5000
    assert 5000 <= archive.core_disk_size < archive.disk_size


def test_a_snapshot_moves_an_archive_to_sending(spool: Spool) -> None:
    put(spool, Part.CORE, ID, b"x" * 5000)
    put(spool, Part.SNAPSHOT, ID, b"y" * 10)

    (archive,) = spool.archives()

    assert archive.stage is Stage.SENDING
    assert archive.size == 10
    assert archive.has_core


def test_assets_alone_are_the_record_of_a_crash(spool: Spool) -> None:
    put_assets(spool, ID, Crash(1, 11, 7, executable="!bin!simple"))

    (archive,) = spool.archives()

    assert archive == spool.archive(ID) == spool.find(ID[:9])
    assert (archive.stage, archive.application) == (Stage.PENDING, "simple")
    assert archive.is_record
    assert archive.is_waiting
    assert not archive.dumping
    assert archive.size == spool.path(Part.ASSETS, ID).stat().st_size


def test_a_record_without_a_single_byte_is_still_one(spool: Spool) -> None:
    put(spool, Part.ASSETS, ID, b"")

    (archive,) = spool.archives()

    assert (archive.is_record, archive.application, archive.size) == (True, "?", 0)


def test_what_the_handler_still_holds_is_being_dumped(spool: Spool) -> None:
    put_assets(spool, ID, Crash(1, 11, 7))
    with spool.path(Part.ASSETS, ID).open("rb") as handler:
        fcntl.flock(handler, fcntl.LOCK_EX)

        (archive,) = spool.archives()
        assert archive.dumping
        assert not archive.is_waiting
        assert spool.leftovers(2**40) == []
        assert spool.crash(ID) is not None

        put(spool, Part.CORE, ID, b"core")
        (archive,) = spool.archives()
        assert (archive.has_core, archive.dumping) == (True, False)
    assert spool.archive(ID) == archive


def test_a_core_that_comes_while_we_look_is_seen(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_assets(spool, ID, Crash(1, 11, 7))

    def commit_first(fd: int) -> bool:
        if not spool.path(Part.CORE, ID).exists():
            put(spool, Part.CORE, ID, b"core")
        return parts.share(fd)

    monkeypatch.setattr("coresnap.collect.spool.share", commit_first)
    (archive,) = spool.archives()

    assert archive.has_core
    assert not archive.is_record


@pytest.mark.parametrize("way", ["import", "stream"])
def test_what_is_left_of_a_copy_is_no_archive_but_a_leftover(
    spool: Spool, way: str
) -> None:
    members = {"crash.json": b"{}", "capture.json": b'{"way": "%s"}' % way.encode()}
    put(spool, Part.ASSETS, ID, pack_assets(members, 0))

    assert spool.archives() == []
    assert spool.archive(ID) is None
    assert spool.leftovers(2**40) == [(Part.ASSETS, ID)]


def test_how_a_core_was_taken_can_be_asked(spool: Spool) -> None:
    put(spool, Part.ASSETS, ID, pack_assets({"capture.json": b'{"rung": "notes"}'}, 0))
    put(spool, Part.ASSETS, OTHER, b"no tar")

    assert spool.capture(ID) == {"rung": "notes"}
    assert spool.capture(OTHER) == spool.capture("f" * 32) == {}


def test_assets_that_say_nothing_leave_the_application_unknown(spool: Spool) -> None:
    put(spool, Part.ASSETS, ID, b"no tar")
    put(spool, Part.CORE, ID, b"core")

    assert spool.archives()[0].application == "?"
    assert spool.archives()[0].executable == ""
    assert spool.archives()[0].time > 0


def test_a_hole_costs_no_disk(spool: Spool) -> None:
    with spool.create(Part.CORE) as file:
        os.ftruncate(file.fd, 1 << 30)
        spool.commit(Part.CORE, file, ID)

    usage = spool.usage()[Part.CORE]
    assert usage.objects == 1
    assert usage.size == 1 << 30
    assert usage.disk_size < 1 << 20


def test_the_oldest_archive_comes_first(spool: Spool) -> None:
    for archive_id, when in ((ID, 20), (OTHER, 10)):
        put_assets(spool, archive_id, Crash(pid=1, signal=6, time=when))
        put(spool, Part.CORE, archive_id, b"")

    assert [archive.id for archive in spool.archives()] == [OTHER, ID]


# --- find ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        ID,
        ID[:12],
        f"pending/{ID[:12]}",
        "2d022186-8b4f-4f0e-9d7c-3f5f0c1a2b3c",
        "pending/2d022186-8b4...",
        ID.upper(),
    ],
)
def test_an_archive_is_found_by_the_start_of_its_id(spool: Spool, text: str) -> None:
    put(spool, Part.CORE, ID, b"")
    put(spool, Part.CORE, OTHER, b"")

    assert spool.find(text).id == ID


def test_a_prefix_of_several_is_refused_with_them(spool: Spool) -> None:
    put(spool, Part.CORE, ID, b"")
    put(spool, Part.CORE, OTHER, b"")

    with pytest.raises(UsageError, match="2 ids") as caught:
        spool.find("2d02")
    assert OTHER in caught.value.remedy


def test_the_stage_must_be_the_archive_s(spool: Spool) -> None:
    put(spool, Part.CORE, ID, b"")

    with pytest.raises(MissingError):
        spool.find(f"sending/{ID}")


@pytest.mark.parametrize("text", ["", "/", "xyz", "../../etc", "assets/2d", "a" * 33])
def test_what_is_no_id_is_refused(spool: Spool, text: str) -> None:
    with pytest.raises(UsageError):
        spool.find(text)


@given(text=st.text(max_size=40))
def test_any_text_finds_something_or_says_why_not(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    directory = tmp_path_factory.getbasetemp() / "find"
    create_spool(directory)
    with Spool(directory) as spool, pytest.raises((UsageError, MissingError)):
        spool.find(text)


# --- hostile ------------------------------------------------------------------


def plant_link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def plant_hard_link(path: Path) -> None:
    source = path.parent.parent / "victim"
    source.write_text("secret")
    os.link(source, path)


def plant_fifo(path: Path) -> None:
    os.mkfifo(path)


def plant_directory(path: Path) -> None:
    path.mkdir()


def plant_socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


PLANTS = (plant_link, plant_hard_link, plant_fifo, plant_directory, plant_socket)


@pytest.mark.parametrize("part", list(Part))
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_what_was_planted_is_never_opened_listed_or_removed(
    spool: Spool, part: Part, plant: object
) -> None:
    path = spool.path(part, ID)
    plant(path)  # type: ignore[operator]

    assert spool.archives() == []
    assert spool.archive(ID) is None
    assert spool.crash(ID) is None
    assert spool.usage()[part].objects == 0
    assert spool.intruders() == [f"{part}/{ID}"]
    with pytest.raises(StorageError):
        spool.open(part, ID)
    assert os.path.lexists(path)


def test_planted_assets_do_not_hide_the_core(spool: Spool) -> None:
    put(spool, Part.CORE, ID, b"core")
    plant_fifo(spool.path(Part.ASSETS, ID))

    (archive,) = spool.archives()

    assert archive.has_core
    assert not archive.has_assets


def test_names_that_are_no_ids_are_left_alone(spool: Spool) -> None:
    (spool.directory / "pending" / "core.1234").write_text("")

    assert spool.archives() == []
    assert spool.intruders() == ["pending/core.1234"]
    assert spool.leftovers(2**40) == []


def test_a_spool_whose_directory_is_a_link_is_refused(tmp_path: Path) -> None:
    create_spool(tmp_path / "archive")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "archive" / "pending").rmdir()
    (tmp_path / "archive" / "pending").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(MissingError):
        Spool(tmp_path / "archive")


def test_a_missing_spool_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no spool") as caught:
        Spool(tmp_path / "none")
    assert "install" in caught.value.remedy


@pytest.mark.root
def test_a_spool_of_somebody_else_is_an_access_error(tmp_path: Path) -> None:
    create_spool(tmp_path / "archive")
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        try:
            Spool(tmp_path / "archive")
        except AccessError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


# --- leftovers ----------------------------------------------------------------


def test_only_old_unfinished_files_are_leftovers(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_file, "_TMPFILE", None)
    put(spool, Part.CORE, ID, b"core")
    put(spool, Part.ASSETS, ID, b"of a core")
    put(spool, Part.ASSETS, OTHER, b"of nothing")
    with spool.create(Part.SNAPSHOT) as unfinished:
        assert unfinished.name is not None
        now = spool.path(Part.ASSETS, OTHER).stat().st_mtime

        assert spool.leftovers(now - DAY) == []
        # The record of a crash whose core never came is all that there is of it.
        assert spool.leftovers(now + DAY) == [(Part.SNAPSHOT, unfinished.name)]


def test_removing_twice_is_removing_once(spool: Spool) -> None:
    put(spool, Part.CORE, ID, b"core")

    assert spool.remove(Part.CORE, ID) is True
    assert spool.remove(Part.CORE, ID) is False


# --- eviction -----------------------------------------------------------------


def test_what_is_open_is_not_evicted(spool: Spool) -> None:
    put(spool, Part.CORE, ID, b"core")
    first, second = spool.open(Part.CORE, ID), spool.open(Part.CORE, ID)

    assert spool.evict(Part.CORE, ID) is False
    os.close(first)
    assert spool.evict(Part.CORE, ID) is False
    os.close(second)
    assert spool.evict(Part.CORE, ID) is True
    assert spool.archives() == []


def test_what_is_being_dumped_is_not_evicted(spool: Spool) -> None:
    put_assets(spool, ID, Crash(1, 11, 7))
    with spool.path(Part.ASSETS, ID).open("rb") as handler:
        fcntl.flock(handler, fcntl.LOCK_EX)

        assert spool.evict(Part.ASSETS, ID) is False
    assert spool.evict(Part.ASSETS, ID) is True


def test_evicting_what_is_gone_is_no_error(spool: Spool) -> None:
    assert spool.evict(Part.SNAPSHOT, ID) is True


def test_another_process_that_reads_counts(spool: Spool) -> None:
    put(spool, Part.SNAPSHOT, ID, b"snapshot")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        spool.open(Part.SNAPSHOT, ID)
        os.write(writer, b"x")
        signal.pause()
    try:
        os.read(reader, 1)
        assert spool.evict(Part.SNAPSHOT, ID) is False
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        os.close(writer)
    assert spool.evict(Part.SNAPSHOT, ID) is True


def test_ten_thousand_foreign_names_hide_nothing(spool: Spool) -> None:
    pending = spool.directory / "pending"
    for number in range(10_000):
        (pending / f"core.{number}").touch()
    put(spool, Part.CORE, ID, b"core")

    assert [archive.id for archive in spool.archives()] == [ID]
    assert len(spool.intruders()) == 10_000
    assert spool.leftovers(2**40) == []
