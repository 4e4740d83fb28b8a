"""An import that is killed, or whose disk fails, at each step that changes the disk."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.collect.importers.importer import Importer
from coresnap.collect.spool import Part, Spool, create_spool
from coresnap.errors import NoSpaceError, StorageError
from foreigncores import small_core

from .conftest import Bench, settings

CHANGES = ("open", "pwrite", "write", "ftruncate", "fchown", "fsync", "link", "rename")
MOST_STEPS = 200


@attrs.define
class Steps:
    """Counts the calls that change the disk, and acts before or behind one."""

    at: int
    act: Callable[[], object]
    is_behind: bool = False
    count: int = 0

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            self.count += 1
            is_it = self.count == self.at + 1
            if is_it and not self.is_behind:
                self.act()
            try:
                return real(*arguments, **options)
            finally:
                if is_it and self.is_behind:
                    self.act()

        return call

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in CHANGES:
            monkeypatch.setattr(os, name, self.wrap(getattr(os, name)))


def files_of(bench: Bench) -> list[Path]:
    return [path for path in bench.spool.directory.rglob("*") if path.is_file()]


def import_in_child(bench: Bench, core: Path, steps: Steps) -> int:
    """Import in a process of its own, and return its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            steps.install(pytest.MonkeyPatch())
            bench.imported(core)
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


@pytest.mark.parametrize("is_behind", [False, True], ids=["before", "behind"])
def test_killed_at_each_step_there_is_all_of_it_or_nothing_that_counts(
    bench: Bench, is_behind: bool
) -> None:
    core = bench.write("core", small_core())
    killed = 0
    for at in range(MOST_STEPS):
        steps = Steps(at, lambda: os.kill(os.getpid(), signal.SIGKILL), is_behind)
        status = import_in_child(bench, core, steps)
        for archive in bench.spool.archives():
            assert bench.core(archive.id) == small_core()
            assert bench.told(archive.id)["id"] == archive.id
        if not os.WIFSIGNALED(status):
            break
        killed += 1
        taken = bench.imported(core)
        (archive,) = bench.spool.archives()
        assert archive.id == taken.id
        assert bench.spool.intruders() == []
        for part in (Part.CORE, Part.ASSETS):
            bench.spool.remove(part, taken.id)
    assert 10 < killed < MOST_STEPS


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_an_error_at_each_step_leaves_nothing_that_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    core = bench.write("core", small_core())

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    failed = 0
    for at in range(MOST_STEPS):
        steps = Steps(at, fail)
        with monkeypatch.context() as patched:
            steps.install(patched)
            result = bench.take(core)
        if steps.count <= at:
            break
        failed += 1
        if result.taken is None:
            kind = StorageError if number == errno.EIO else NoSpaceError
            assert isinstance(result.problem, kind), (at, result)
        again = bench.imported(core)
        assert bench.core(again.id) == small_core()
        for part in (Part.CORE, Part.ASSETS):
            bench.spool.remove(part, again.id)
    assert 10 < failed < MOST_STEPS


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    directory = tmp_path / "tiny"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=12", "tmpfs"]
    if subprocess.run([*command, str(directory)], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.root
def test_a_disk_that_is_full_in_the_middle_leaves_nothing(
    tiny: Path, tmp_path: Path
) -> None:
    create_spool(tiny / "archive")
    core = tmp_path / "core"
    core.write_bytes(small_core(memory=os.urandom(2 << 20)))
    small = tmp_path / "small"
    small.write_bytes(small_core())
    with Spool(tiny / "archive") as spool:
        importer = Importer(spool, settings(tiny))

        (result,) = importer.take(core)

        assert isinstance(result.problem, NoSpaceError)
        assert not [path for path in spool.directory.rglob("*") if path.is_file()]
        (result,) = importer.take(small)
        assert result.taken is not None


@pytest.mark.root
def test_a_disk_without_inodes_says_so(tiny: Path, tmp_path: Path) -> None:
    create_spool(tiny / "archive")
    core = tmp_path / "core"
    core.write_bytes(small_core())
    config = settings(tiny)
    for number in range(20):
        try:
            (tiny / f"file{number}").touch()
        except OSError:
            break
    with Spool(tiny / "archive") as spool:
        (result,) = Importer(spool, config).take(core)

        assert isinstance(result.problem, NoSpaceError)
        assert spool.archives() == []
