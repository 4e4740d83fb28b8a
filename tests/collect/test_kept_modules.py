"""Copies of modules are read from assets that anybody may have written."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coresnap.collect.assets import read_assets
from coresnap.collect.kept_modules import COUNT_LIMIT, FILE_LIMIT, kept_modules

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="this system has no files in memory"
)


@contextmanager
def tar(path: Path, *members: tuple[str, bytes] | tarfile.TarInfo) -> Iterator[int]:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    with path.open("rb") as stream:
        yield stream.fileno()


def test_copies_are_read_with_their_paths(tmp_path: Path) -> None:
    index = b"0 7f0000000000 5 0 /bin/a b\n(deleted)\0" + b"1 0 3 0 /lib/c\0"
    members = [("modules/index", index), ("modules/0", b"first"), ("modules/1", b"2nd")]
    with tar(tmp_path / "a", *members) as fd, kept_modules(fd) as found:
        assert [module.member for module in found] == ["modules/0", "modules/1"]
        assert [module.path for module in found] == [b"/bin/a b\n(deleted)", b"/lib/c"]
        contents = [Path(module.place).read_bytes() for module in found]
    assert contents == [b"first", b"2nd"]
    assert not any(Path(module.place).exists() for module in found)


def test_other_members_are_no_modules(tmp_path: Path) -> None:
    link = tarfile.TarInfo("modules/0")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/shadow"
    members = [
        ("modules/../../etc/passwd", b"x"),
        ("modules/12345", b"x"),
        ("modules/x", b"x"),
        ("process/exe", b"x"),
    ]
    with tar(tmp_path / "a", link, *members) as fd, kept_modules(fd) as found:
        assert found == ()


def test_a_copy_without_an_index_is_read(tmp_path: Path) -> None:
    with tar(tmp_path / "a", ("modules/0", b"x")) as fd, kept_modules(fd) as found:
        assert [(module.member, module.path) for module in found] == [
            ("modules/0", b"")
        ]


@pytest.mark.parametrize(
    "index", [b"", b"\0\0", b"0 1 2", b"x 0 0 0 /a\0", b"\xff" * 100, b"0 0 0 0 \0" * 9]
)
def test_a_damaged_index_costs_paths_alone(tmp_path: Path, index: bytes) -> None:
    members = [("modules/index", index), ("modules/0", b"x")]
    with tar(tmp_path / "a", *members) as fd, kept_modules(fd) as found:
        assert [module.path for module in found] == [b""]


def test_a_size_that_lies_makes_no_memory(tmp_path: Path) -> None:
    member = tarfile.TarInfo("modules/0")
    member.size = FILE_LIMIT  # and nothing follows
    (tmp_path / "a").write_bytes(member.tobuf(tarfile.USTAR_FORMAT) + b"abc")
    with (tmp_path / "a").open("rb") as stream, kept_modules(stream.fileno()) as found:
        assert [os.fstat(module.fd).st_size for module in found] == [3]


def test_what_is_too_large_or_too_many_is_left_out(tmp_path: Path) -> None:
    large = tarfile.TarInfo("modules/0")
    large.size = FILE_LIMIT + 1
    (tmp_path / "a").write_bytes(large.tobuf(tarfile.USTAR_FORMAT))
    with (tmp_path / "a").open("rb") as stream, kept_modules(stream.fileno()) as found:
        assert found == ()

    many = [(f"modules/{number}", b"x") for number in range(COUNT_LIMIT + 5)]
    with tar(tmp_path / "b", *many) as fd, kept_modules(fd) as found:
        assert len(found) == COUNT_LIMIT


def test_what_is_no_tar_has_no_modules(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x01" * 2000)
    with (tmp_path / "a").open("rb") as stream, kept_modules(stream.fileno()) as found:
        assert found == ()


def test_copies_are_no_problem_for_who_reads_the_rest(tmp_path: Path) -> None:
    members = [("crash.json", b"{}"), ("modules/index", b""), ("modules/0", b"x")]
    with tar(tmp_path / "a", *members) as fd:
        assets = read_assets(fd)
    assert list(assets.members) == ["crash.json", "modules/index"]
    assert assets.problems == ()
