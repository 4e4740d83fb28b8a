"""Drop directories: what the kernel wrote comes out, what others planted does not."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from coresnap.backends import freebsd_drops
from coresnap.backends.freebsd_drops import DroppedFile, LocalBox
from coresnap.backends.freebsd_keeper import Keeper, start_keeper
from freebsd_kernel import RecordedKernel, drop
from shortpath import short_directory

NAME = f"77.{os.geteuid()}.11.prog.core"


@attrs.define
class Place:
    root: Path
    kernel: RecordedKernel
    box: LocalBox | Keeper

    @property
    def drops(self) -> Path:
        return self.root / "drop"

    def only(self) -> DroppedFile:
        (file,) = self.box.files()
        return file


@pytest.fixture(params=["local", "keeper"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """The directories themselves, and the same through the process that stays root."""
    with short_directory() as root:
        kernel = RecordedKernel({})
        (root / "drop").mkdir()
        local = LocalBox(kernel, root / "drop")
        if request.param == "local":
            yield Place(root, kernel, local)
            return
        # A jail that is to be known has to be there before the process.
        kernel.roots[3] = str(root / "jail")
        keeper = start_keeper(local)
        yield Place(root, kernel, keeper)
        keeper.close()


def in_jail(place: Place) -> Path:
    place.kernel.roots[3] = str(place.root / "jail")
    directory = Path(f"{place.root}/jail{place.drops}")
    directory.mkdir(parents=True)
    return directory


def test_a_core_is_listed_opened_and_removed(place: Place) -> None:
    path = drop(place.drops, NAME, b"core")

    file = place.only()
    fd = place.box.open(file)

    assert file.told == (77, os.geteuid(), 11, "prog")
    assert (file.jid, file.size, file.path) == (0, 4, str(path))
    assert os.read(fd, 10) == b"core"
    assert not os.get_inheritable(fd)
    os.close(fd)
    place.box.remove(file)
    assert not path.exists()


@pytest.mark.parametrize("command", ["a.b.core", "two words", "nl\nx", "\udcff", ""])
def test_r03_the_name_is_read_back_whatever_the_program_is_called(
    place: Place, command: str
) -> None:
    drop(place.drops, f"77.0.11.{command}.core.zst", b"core")

    file = place.only()

    shown = os.fsencode(command).decode("utf-8", "replace")
    assert file.told == (77, 0, 11, shown)
    os.close(place.box.open(file))


def test_another_name_tells_nothing_and_is_a_file_all_the_same(place: Place) -> None:
    drop(place.drops, "idx.3.core", b"core")

    file = place.only()

    assert file.told is None
    assert not file.is_planted


def test_r04_links_fifos_and_directories_are_planted_and_not_opened(
    place: Place,
) -> None:
    secret = place.root / "secret"
    secret.write_bytes(b"secret")
    (place.drops / "1.0.11.a.core").symlink_to(secret)
    os.link(secret, place.drops / "2.0.11.b.core")
    os.mkfifo(place.drops / "3.0.11.c.core")
    (place.drops / "4.0.11.d.core").mkdir()
    with socket.socket(socket.AF_UNIX) as planted:
        planted.bind(str(place.drops / "5.0.11.e.core"))

    files = place.box.files()

    assert len(files) == 5
    for file in files:
        assert file.is_planted
        with pytest.raises(OSError, match=r"Errno|another file"):
            place.box.open(file)


@pytest.mark.root
def test_r04_a_file_that_its_name_does_not_belong_to_is_planted(place: Place) -> None:
    drop(place.drops, "77.0.11.sshd.core", b"core", uid=65534)

    file = place.only()

    assert file.is_planted
    with pytest.raises(FileNotFoundError):
        place.box.open(file)


def test_r07_what_was_exchanged_since_it_was_listed_is_neither_opened_nor_removed(
    place: Place,
) -> None:
    path = drop(place.drops, NAME, b"core")
    file = place.only()
    other = drop(place.root, "other", b"other")
    other.rename(path)

    with pytest.raises(FileNotFoundError):
        place.box.open(file)
    place.box.remove(file)

    assert path.read_bytes() == b"other"


@pytest.mark.parametrize("name", ["../secret", "a/b", "", ".", "..", "a\0b"])
def test_r04_no_name_leads_out_of_the_directory(place: Place, name: str) -> None:
    (place.root / "secret").write_bytes(b"secret")
    drop(place.drops, NAME, b"core")
    file = attrs.evolve(place.only(), name=name)

    for act in (place.box.open, place.box.remove):
        with pytest.raises(OSError, match="not the name of a file"):
            act(file)
    assert (place.root / "secret").exists()


def test_nobody_hides_a_core_behind_more_files_than_are_looked_at(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freebsd_drops, "_NAMES_LIMIT", 5)
    local = LocalBox(place.kernel, place.drops)
    for number in range(50):
        drop(place.drops, f"flood.{number}", b"x")
    drop(place.drops, NAME, b"core")

    wanted = ["none", "../secret", "a/b", NAME]
    names = [file.name for file in local.files(wanted)]

    assert NAME in names
    assert len(names) <= 6
    assert NAME in [file.name for file in place.box.files(wanted)]


def test_a_jail_s_cores_are_found_below_its_root(place: Place) -> None:
    directory = in_jail(place)
    drop(directory, NAME, b"core")

    file = place.only()

    assert (file.jid, file.path) == (3, str(directory / NAME))
    os.close(place.box.open(file))
    place.box.remove(file)
    assert list(directory.iterdir()) == []


def test_r08_a_jail_s_links_do_not_lead_out_of_it(place: Place) -> None:
    outside = place.root / "outside"
    outside.mkdir()
    drop(outside, NAME, b"host's")
    directory = in_jail(place)
    directory.rmdir()
    directory.symlink_to(outside)

    assert place.box.files() == []
    directory.unlink()
    directory.parent.rmdir()
    directory.parent.symlink_to(place.root)
    drop(place.drops, NAME, b"core")
    assert [file.jid for file in place.box.files()] == [0]


def test_r08_a_jail_in_a_jail_does_not_lead_out_by_the_path_above_it() -> None:
    with short_directory() as root:
        (root / "drop").mkdir()
        kernel = RecordedKernel({}, roots={4: f"{root}/outer/jails/inner"})
        box = LocalBox(kernel, root / "drop")
        inside = Path(f"{root}/elsewhere/inner{root}/drop")
        inside.mkdir(parents=True)
        drop(inside, NAME, b"host's")
        (root / "outer").mkdir()
        (root / "outer" / "jails").symlink_to(root / "elsewhere")

        assert box.files() == []


def test_a_jail_that_has_gone_has_no_cores() -> None:
    with short_directory() as root:
        (root / "drop").mkdir()
        place = Place(root, RecordedKernel({}), LocalBox(RecordedKernel({}), root))
        place.box = LocalBox(place.kernel, place.drops)
        drop(in_jail(place), NAME, b"core")
        file = place.only()
        place.kernel.roots.clear()

        with pytest.raises(FileNotFoundError, match="no jail 3"):
            place.box.open(file)


def test_a_jail_in_the_host_s_root_is_the_host(place: Place) -> None:
    place.kernel.roots[4] = "/"
    drop(place.drops, NAME, b"core")

    assert place.only().jid == 0


# --- the process that stays root ------------------------------------------------


@pytest.mark.root
def test_a_daemon_without_rights_gets_what_is_closed_to_it() -> None:
    with short_directory() as root:
        (root / "drop").mkdir(mode=0o1733)
        (root / "drop").chmod(0o1733)
        drop(root / "drop", NAME, b"core")
        keeper = start_keeper(LocalBox(RecordedKernel({}), root / "drop"))
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            (file,) = keeper.files()
            fd = keeper.open(file)
            try:
                os.scandir(root / "drop")
                closed = b"open"
            except PermissionError:
                closed = b"closed"
            os.write(writer, os.read(fd, 10) + b" " + closed)
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as said:
            assert said.read() == b"core closed"
        os.waitpid(pid, 0)
        keeper.close()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b'"open"',
        b'["open", null]',
        b'["files", [1]]',
        b'["files", 7]',
        b'["chmod", null]',
        b'["open", {"jid": 0, "name": "x"}]',
        b"[" * 5000,
        b'["remove", {"jid": "0", "place": "/", "name": 7, "device": 0, "inode": 0,'
        b' "mode": 0, "links": 1, "uid": 0, "size": 0, "modified": 0}]',
    ],
)
def test_what_no_daemon_would_ask_is_an_error_and_no_end(line: bytes) -> None:
    with short_directory() as root:
        (root / "drop").mkdir()
        drop(root / "drop", NAME, b"core")
        keeper = start_keeper(LocalBox(RecordedKernel({}), root / "drop"))
        keeper._connection.sendall(line + b"\n")
        said = keeper._connection.recv(4096)
        assert b"makes no sense" in said or b"errno" in said

        assert len(keeper.files()) == 1
        keeper.close()
        assert (root / "drop" / NAME).exists()


def test_the_keeper_ends_with_the_daemon() -> None:
    with short_directory() as root:
        keeper = start_keeper(LocalBox(RecordedKernel({}), root))
        keeper.close()
        with pytest.raises(ProcessLookupError):
            os.kill(keeper.pid, 0)
