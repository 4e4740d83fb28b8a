"""What coresnap-catch keeps of a core for which there turns out to be no room."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import catcher as catching
import coresnap
import faults as faulting
from catcher import Catcher, Caught, feed
from conftest import CompileProgram
from coresnap.elfcore.corefile import open_core
from livecore import core_of
from twins import Twins, assert_honest, loads_of, mounted, stored

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]


FIXED = ["setarch", "-R"]
"""Runs a program at the same addresses each time."""
MEBIBYTE = 1 << 20


@pytest.fixture(params=["tmpfs", "ext4", "xfs"])
def small_disk(
    request: pytest.FixtureRequest, catch_program: Path, tmp_path: Path
) -> Iterator[Catcher]:
    """A spool on a filesystem with some 20 MiB free."""
    size = (320 if request.param == "xfs" else 24) * MEBIBYTE
    with (
        mounted(request.param, tmp_path / "image", size) as directory,
        catching.catcher(catch_program, directory) as result,
    ):
        space = os.statvfs(directory)
        free = space.f_bavail * space.f_frsize
        if free > 20 * MEBIBYTE:
            with (directory / "ballast").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, free - 20 * MEBIBYTE)
        yield result


@pytest.fixture
def underestimated(compile_program: CompileProgram, tmp_path: Path) -> list[Path]:
    """A program whose core is 64 MiB and does not look it."""
    file = tmp_path / "file"
    file.write_bytes(b"F" * 64 * MEBIBYTE)
    return [compile_program("file_memory.c", "-O0", "-g"), file]


@pytest.mark.parametrize("fetch", ["pipe", "memory"])
@pytest.mark.parametrize("important", ["0", ""], ids=["first", "after"])
@pytest.mark.parametrize("limit", ["disk", "quota", "physical"])
def test_a_core_that_finds_no_room_keeps_what_matters_and_what_came(
    small_disk: Catcher,
    underestimated: list[Path],
    fetch: str,
    important: str,
    limit: str,
) -> None:
    small_disk.write_settings(fetch=fetch, important=important)
    total = os.statvfs(small_disk.spool).f_blocks
    spared = 8 * MEBIBYTE // os.statvfs(small_disk.spool).f_frsize
    quota = max(1, spared * 100 // total)
    if limit == "quota":
        small_disk.write_settings(quota=f"{quota}%")
    if limit == "physical":
        small_disk.write_settings(physical=str(8 * MEBIBYTE))
    caught = small_disk.catch([*FIXED, *underestimated])
    reasons = {"disk": "no-space", "quota": "quota", "physical": "physical-limit"}
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == reasons[limit]
    assert caught.capture["truncated"] is False
    assert set(caught.checks.values()) == {"passed"}
    assert stored(caught.core) > 2 * MEBIBYTE
    snapshot = coresnap.analyze(caught.core, assets=caught.members)
    assert snapshot.threads[0].frames[0].function == "main"
    if limit == "quota":
        space = os.statvfs(small_disk.spool)
        assert space.f_bavail >= total * quota / 100 * 0.9


@pytest.mark.parametrize("important", ["0", ""], ids=["first", "after"])
@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_what_is_claimed_in_the_middle_is_what_the_whole_core_has(
    catcher: Catcher,
    small_disk: Catcher,
    underestimated: list[Path],
    fetch: str,
    important: str,
) -> None:
    small_disk.write_settings(fetch=fetch, important=important)
    catcher.write_settings(fetch="pipe")
    whole, part = Twins(catcher, small_disk).catch(underestimated)
    assert whole.capture["rung"] == "full"
    assert part.capture["rung"] == "stacks"
    assert_honest(part.core, whole.core)


def test_a_tiny_disk_gets_a_core_that_can_be_opened(
    catch_program: Path, underestimated: list[Path]
) -> None:
    rungs = set()
    for size in (1088, 1120, 1152, 1216, 1280, 1408, 1536, 2048, 3072):
        with (
            mounted("tmpfs", Path(), size * 1024) as directory,
            catching.catcher(catch_program, directory) as catcher,
        ):
            caught = catcher.catch(underestimated)
            rungs.add(caught.capture["rung"])
            with open_core(caught.core) as core:
                assert core.threads
                assert all(
                    "the handler kept" in note.message for note in core.notes_to_reader
                )
    assert "stacks" in rungs
    assert rungs <= {"stacks", "notes"}


def test_a_core_that_gets_no_inode_leaves_a_record(
    catch_program: Path, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0")
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        options = ["-t", "tmpfs", "-o", "size=16m,nr_inodes=7", "tmpfs", directory]
        if subprocess.run(["mount", *options], check=False).returncode:
            pytest.skip("cannot mount a tmpfs")
        try:
            with catching.catcher(catch_program, Path(directory)) as catcher:
                assert os.statvfs(directory).f_favail == 1
                caught = catcher.catch([program])
                assert caught.capture["rung"] == "record"
                assert caught.capture["rung_reason"] == "inodes"
                assert "process/maps" in caught.members
        finally:
            subprocess.run(["umount", directory], check=True)


# --- when storing fails, and sanitizers -----------------------------------------------


FAULTS = [
    ("pwrite", errno.ENOSPC),
    ("pwrite", errno.EIO),
    ("ftruncate", errno.EIO),
    ("fallocate", errno.EOPNOTSUPP),
    ("pread", errno.ESRCH),
]


@pytest.mark.parametrize(("name", "error"), FAULTS)
def test_whatever_fails_the_headers_say_what_is_there(
    child: subprocess.Popen[bytes], name: str, error: int
) -> None:
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        faults = faulting.build(Path(directory))
        with catching.catcher(faults.program, Path(directory)) as catcher:
            catcher.write_settings(keep="stacks")
            core = core_of(child.pid)
            faults.none()
            assert feed(catcher, core, child.pid).code == 0
            count = faults.trace().count(name)
            assert count
            rungs = set()
            for action in ("once", "always"):
                for number in range(1, count + 1):
                    faults.plan(action, name, number, error)
                    run = feed(catcher, core, child.pid)
                    assert run.code == 0
                    rungs.add(assert_said(catcher.read(run.id)))
    assert "stacks" in rungs


def assert_said(caught: Caught) -> str:
    """A core is what its record says; returns its rung."""
    capture = caught.capture
    assert caught.core.exists() is (capture["rung"] != "record")
    if caught.core.exists() and not capture["truncated"]:
        assert caught.core.stat().st_size == capture["size"]
        for load in loads_of(caught.core):
            assert load.offset + load.size <= capture["size"]
        with open_core(caught.core) as core:
            assert len(core.threads) == 1
    return str(capture["rung"])


@pytest.mark.sanitizer
def test_the_sanitizers_find_nothing_on_any_rung(
    compile_program: CompileProgram, underestimated: list[Path]
) -> None:
    threads = compile_program("many_threads.c", "-O0", libraries=["-pthread"])
    full = compile_program("full_memory.c", "-O0")
    sparse, file = underestimated
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as programs,
        mounted("tmpfs", Path(), 24 * MEBIBYTE) as directory,
    ):
        flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        helper = catching.build(Path(programs) / "catch", "-O1", "-g", *flags)
        with catching.catcher(helper, directory) as catcher:
            for settings, program, word, rung in (
                ("keep=stacks", threads, "", "stacks"),
                ("keep=notes", threads, "", "notes"),
                ("keep=record", threads, "", "record"),
                ("keep=full important=0", full, "4", "full"),
                ("important=0", sparse, str(file), "stacks"),
                ("important=", sparse, str(file), "stacks"),
                ("fetch=pipe", sparse, str(file), "stacks"),
                ("budget=1", full, "12", "stacks"),
            ):
                pairs = (pair.split("=") for pair in settings.split())
                catcher.write_settings(**dict(pairs))
                caught = catcher.catch([program, word])
                assert caught.capture["rung"] == rung
                caught.core.unlink(missing_ok=True)
