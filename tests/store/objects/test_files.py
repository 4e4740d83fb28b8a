"""Objects in files: private, never through a link, whole or not there."""

from __future__ import annotations

import errno
import io
import os
import shutil
from pathlib import Path

import pytest

from coresnap.errors import ConfigError, MissingError, NoSpaceError, StorageError
from coresnap.store.objects import temporary
from coresnap.store.objects.files import FileObjects
from coresnap.store.objects.opening import open_objects

BODY = b"a body"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def objects(root: Path) -> FileObjects:
    return FileObjects(root)


def put(objects: FileObjects, key: str) -> bool:
    return objects.put(key, io.BytesIO(BODY), len(BODY))


def test_files_and_directories_are_for_nobody_else(
    objects: FileObjects, root: Path
) -> None:
    put(objects, "1/faults/ab/a")

    modes = {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_dir()}
    assert modes == {0o700}
    assert (root / "1/faults/ab/a").stat().st_mode & 0o777 == 0o600


def test_links_are_never_followed(objects: FileObjects, root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "1").mkdir()
    (root / "1" / "link").symlink_to(outside / "secret")
    (root / "2").symlink_to(outside)

    for key in ("1/link", "2/secret"):
        with pytest.raises((StorageError, MissingError)):
            objects.open(key)
    with pytest.raises((StorageError, MissingError)):
        put(objects, "2/new")
    assert list(objects.list("1/")) == []
    assert sorted(os.listdir(outside)) == ["secret"]


def test_it_works_where_no_file_can_be_without_a_name(
    objects: FileObjects, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "_TMPFILE", None)

    assert put(objects, "1/a")
    assert not put(objects, "1/a")
    objects.replace("1/a", io.BytesIO(b"new"), 3)

    assert os.listdir(root / "1") == ["a"]
    assert (root / "1/a").read_bytes() == b"new"


@pytest.mark.parametrize("call", ["open", "write", "fsync", "link"])
def test_a_disk_that_is_full_at_any_call_is_said_and_leaves_nothing(
    objects: FileObjects, root: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(objects, "1/before")

    def full(*arguments: object, **named: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(NoSpaceError):
            put(objects, "1/a")

    assert os.listdir(root / "1") == ["before"]


@pytest.mark.parametrize("url", ["http://host/x", "file://host/x", "s3://", "s3:///x"])
def test_a_url_of_no_place_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        open_objects(url)


def test_credentials_that_cannot_be_read_are_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    path.write_text("[default]\nhunter2\n")

    with pytest.raises(ConfigError) as caught:
        open_objects(f"s3://bucket/x?credentials={path}")

    assert str(path) in str(caught.value)
    assert "hunter2" not in f"{caught.value} {caught.value.remedy}"


def test_a_path_and_its_url_are_the_same_place(root: Path) -> None:
    objects = open_objects(str(root))
    objects.put("1/a", io.BytesIO(BODY), len(BODY))

    with open_objects(root.as_uri()).open("1/a") as file:
        assert file.read() == BODY


def test_a_directory_that_somebody_removed_is_made_again(
    objects: FileObjects, root: Path
) -> None:
    put(objects, "1/faults/ab/a")
    shutil.rmtree(root / "1")

    assert put(objects, "1/faults/ab/a")
    assert (root / "1/faults/ab/a").read_bytes() == BODY


def test_directories_do_not_stay_open_without_end(objects: FileObjects) -> None:
    before = len(os.listdir("/dev/fd"))
    for number in range(400):
        put(objects, f"{number}/faults/ab/a")

    assert len(os.listdir("/dev/fd")) - before < 300
    assert objects.stat("399/faults/ab/a").size == len(BODY)
