"""What others plant in the spool, and would like to find there (R4 to R7, R23)."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import catcher as catching
from catcher import Catcher, feed
from conftest import CompileProgram
from kernel import run_unlimited
from strangers import as_stranger
from waiting import wait_in_core

pytestmark = [pytest.mark.compiler, pytest.mark.root]

KNOWN_IDS = Path(__file__).parents[1] / "native" / "known_ids.c"
KNOWN_ID = "0" * 32
PLANTS = ["link", "dangling-link", "hard-link", "fifo", "directory", "socket"]


@pytest.fixture(scope="module", params=["unnamed", "named"])
def known_program(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A helper whose names are known; files get theirs at the end, or at the start."""
    flags = ["-D__O_TMPFILE=__O_DIRECTORY"] if request.param == "named" else []
    wrap = ["-Wl,--wrap=getrandom", str(KNOWN_IDS)]
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        yield catching.build(Path(directory) / "catch", "-O1", *flags, *wrap)


@pytest.fixture
def known(known_program: Path) -> Iterator[Catcher]:
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(known_program, Path(directory)) as result,
    ):
        yield result


def plant(kind: str, place: Path, victim: Path) -> None:
    victim.write_bytes(b"precious")
    victim.chmod(0o640)
    if kind == "link":
        place.symlink_to(victim)
    elif kind == "dangling-link":
        place.symlink_to(victim.with_name("made-by-root"))
    elif kind == "hard-link":
        place.hardlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
    else:
        os.mknod(place, stat.S_IFSOCK | 0o600)


def check_victim(victim: Path) -> None:
    status = victim.stat()
    assert victim.read_bytes() == b"precious"
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert not victim.with_name("made-by-root").exists()


@pytest.mark.parametrize("part", ["pending", "assets"])
@pytest.mark.parametrize("kind", PLANTS)
@pytest.mark.parametrize("name", [KNOWN_ID, f".part-{KNOWN_ID}"])
def test_r04_what_was_planted_under_the_next_name_is_not_written_to(
    known: Catcher, part: str, kind: str, name: str
) -> None:
    victim = known.directory / "victim"
    plant(kind, known.spool / part / name, victim)
    run = feed(known, b"core", os.getpid())
    check_victim(victim)
    # It had its name or found it taken; then it says so, and leaves no false core.
    if run.code == 0:
        assert (known.spool / "assets" / KNOWN_ID).is_file()
        if "rung=record" not in run.message:
            core = known.spool / "pending" / KNOWN_ID
            assert stat.S_ISREG(core.lstat().st_mode)
            assert core.read_bytes() == b"core"
    else:
        assert run.message.startswith("refused ")
    if kind == "fifo" and run.code:
        assert stat.S_ISFIFO((known.spool / part / name).lstat().st_mode)


@pytest.mark.parametrize("part", ["pending", "assets"])
def test_r04_a_spool_full_of_plants_takes_the_next_crash(
    catcher: Catcher, part: str
) -> None:
    for number, kind in enumerate(PLANTS):
        victim = catcher.directory / f"victim-{kind}"
        plant(kind, catcher.spool / part / f"{number:032x}", victim)
    run = feed(catcher, b"core", os.getpid())
    assert run.code == 0
    assert catcher.read(run.id).core.read_bytes() == b"core"
    for kind in PLANTS:
        check_victim(catcher.directory / f"victim-{kind}")


def test_r05_nothing_of_the_handler_is_in_a_directory_that_others_can_write_to(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    """Neither a lock nor a temporary file: every file it holds is in the spool."""
    catcher.write_settings(fetch="pipe")
    with wait_in_core(catcher, child.pid) as helper:
        held = {
            os.readlink(entry)
            for entry in Path(f"/proc/{helper.process.pid}/fd").iterdir()
        }
        helper.process.terminate()
        assert helper.finish() == 0
    files = {path for path in held if path.startswith("/")}
    allowed = (f"{catcher.spool}/", "/dev/null", f"/proc/{child.pid}", "/proc/")
    assert all(path.startswith(allowed) for path in files), files
    for path in catcher.spool.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert not mode & (stat.S_IWOTH | stat.S_IWGRP), path


@pytest.mark.core_pattern
def test_r06_the_working_directory_gets_no_core_whatever_is_planted_there(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    place = tmp_path / "place"
    place.mkdir()
    for name in ("core", "core.1", "pending", "assets"):
        plant("link", place / name, victim)
    before = sorted(place.iterdir())
    program = compile_program("hostile_name.c", "-O0")
    with catcher.registered():
        assert run_unlimited([program, "../../core"], cwd=place).returncode < 0
        message = catcher.wait()
    assert sorted(place.iterdir()) == before
    check_victim(victim)
    assert catcher.read(message.split()[0]).core.parent == catcher.spool / "pending"


@pytest.mark.parametrize("harm", ["link", "hard-link", "fifo"])
def test_r07_a_record_that_is_exchanged_while_the_core_comes_is_not_written_through(
    catcher: Catcher, child: subprocess.Popen[bytes], harm: str
) -> None:
    """The spool's owner may do that; the handler, as root, must not help."""
    catcher.write_settings(fetch="pipe")
    victim = catcher.directory / "victim"
    with wait_in_core(catcher, child.pid) as helper:
        assert not list((catcher.spool / "pending").iterdir())  # no name, no way to it
        helper.archive.unlink()
        plant(harm, helper.archive, victim)
        helper.process.terminate()
        helper.finish()
    check_victim(victim)


@pytest.mark.parametrize("path", ["", "pending", "assets", "pending/*", "assets/*"])
def test_r23_another_user_learns_nothing_from_the_spool(
    catcher: Catcher, path: str
) -> None:
    feed(catcher, b"core", os.getpid())
    catcher.directory.chmod(0o755)
    (place,) = catcher.spool.glob(path) if path else [catcher.spool]
    look = ["ls", "-l"] if place.is_dir() else ["cat"]
    run = subprocess.run(as_stranger(*look, place), capture_output=True, check=False)
    assert run.returncode != 0
    assert run.stdout == b""
    assert b"Permission denied" in run.stderr
