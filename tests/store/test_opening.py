"""A store is opened by settings, and its directory is one process's, and private."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coresnap.errors import ConfigError, StorageError
from coresnap.store.access.projects import ensure_project
from coresnap.store.opening import StoreSettings, open_store

CHILD = """
import sys
from pathlib import Path
from coresnap.errors import StorageError
from coresnap.store.opening import StoreSettings, open_store
try:
    open_store(StoreSettings(Path(sys.argv[1]))).close()
except StorageError as error:
    print(error)
"""


def in_another_process(directory: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, str(directory)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout


def test_a_directory_is_made_and_is_there_the_next_time(tmp_path: Path) -> None:
    settings = StoreSettings(tmp_path / "new" / "store")
    store = open_store(settings)
    with store.state.write() as connection:
        project = ensure_project(connection, "cf", "blackhole")
    store.close()

    store = open_store(settings)
    with store.state.write() as connection:
        assert ensure_project(connection, "cf", "blackhole") == project
    store.close()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(StoreSettings(tmp_path / "store"))
        with store.state.write() as connection:
            ensure_project(connection, "cf", "blackhole")
        modes = {
            path.relative_to(tmp_path): path.stat().st_mode & 0o077
            for path in (tmp_path / "store").rglob("*")
        }
        store.close()
    finally:
        os.umask(before)

    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    assert modes[Path("store/state.sqlite-wal")] == 0
    assert set(modes.values()) == {0}


def test_a_second_process_is_told_which_has_it(tmp_path: Path) -> None:
    store = open_store(StoreSettings(tmp_path))

    told = in_another_process(tmp_path)
    store.close()

    assert f"is open already, in process {os.getpid()}" in told
    assert in_another_process(tmp_path) == ""


@pytest.mark.parametrize(
    "settings",
    [
        {"database_url": "mysql://secret@host/db"},
        {"objects_url": "ftp://secret@host/"},
        {"index_url": "redis://secret@host/"},
    ],
)
def test_a_url_that_cannot_be_used_leaves_the_directory_free(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(StoreSettings(tmp_path, **settings))

    assert "secret" not in f"{caught.value} {caught.value.remedy}"
    open_store(StoreSettings(tmp_path)).close()


def test_a_place_that_is_no_directory_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError) as caught:
        open_store(StoreSettings(tmp_path / "file" / "store"))

    assert caught.value.remedy
