"""The degradation ladder of coresnap-catch: what is kept when not all can be."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import filecmp
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

import catcher as catching
import coresnap
import faults as faulting
from catcher import Catcher, Caught, assert_empty, feed, read_tar
from conftest import CompileProgram
from coresnap.analysis.session import analyze_record
from coresnap.collect.temporary_file import PREFIX
from coresnap.elfcore.corefile import open_core
from kernel import core_pattern, run_unlimited
from livecore import core_of

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]

CRASH_SOURCE = catching.NATIVE / "crash" / "crash.c"
FIXED = ["setarch", "-R"]
"""Runs a program at the same addresses each time."""
PAGE = 4096
MEBIBYTE = 1 << 20
PROGRAMS: dict[str, tuple[str | Path, list[str]]] = {
    "crash": (CRASH_SOURCE, []),
    "overflow": (CRASH_SOURCE, ["overflow"]),
    "workers": ("workers.c", []),
    "handler": ("handler.c", ["altstack"]),
    "deep": ("deep.c", ["3", "30"]),
    "many_threads": ("many_threads.c", []),
}


@attrs.frozen
class Load:
    """A program header of memory."""

    offset: int
    address: int
    size: int
    memory: int


def loads_of(core: Path) -> list[Load]:
    command = ["readelf", "-lW", str(core)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    fields = [line.split() for line in output.splitlines() if "LOAD" in line]
    return [Load(*(int(f[at], 16) for at in (1, 2, 4, 5))) for f in fields]


def stored(core: Path) -> int:
    return sum(load.size for load in loads_of(core))


def blocks(core: Path) -> int:
    """Bytes that the file has on the disk."""
    return core.stat().st_blocks * 512


def backtraces(program: Path, core: Path) -> str:
    """What gdb says of all threads, without their ids."""
    script = ["-ex", "thread apply all bt"]
    command = ["gdb", "-nx", "-batch", *script, str(program), str(core)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    start = run.stdout.index("\nThread ")
    return re.sub(r"LWP \d+", "LWP", run.stdout[start:])


def assert_honest(part: Path, whole: Path) -> None:
    """What ``part`` claims is what ``whole`` has, and no address is lost."""
    with open_core(part) as found, open_core(whole) as expected:
        for load in loads_of(part):
            assert load.offset + load.size <= part.stat().st_size
            if load.size:
                content = found.memory.read(load.address, load.size)
                assert content == expected.memory.read(load.address, load.size)
    assert spans(part) == spans(whole)


def spans(core: Path) -> list[tuple[int, int]]:
    """The address space that the headers describe, neighbours joined."""
    result: list[tuple[int, int]] = []
    for load in sorted(loads_of(core), key=lambda load: load.address):
        if result and result[-1][1] == load.address:
            start = result.pop()[0]
        else:
            start = load.address
        result.append((start, load.address + load.memory))
    return result


@pytest.fixture(params=PROGRAMS)
def program(
    request: pytest.FixtureRequest, compile_program: CompileProgram
) -> list[str | Path]:
    source, words = PROGRAMS[request.param]
    flags = ["-O0", "-g", "-D_GNU_SOURCE"]
    return [compile_program(source, *flags, libraries=["-pthread"]), *words]


def keep(catcher: Catcher, rung: str, argv: Sequence[str | Path]) -> Caught:
    catcher.write_settings(keep=rung)
    return catcher.catch([*FIXED, *argv])


@attrs.frozen
class Twins:
    """Two helpers that get the same crash, one its core whole."""

    whole: Catcher
    part: Catcher

    def catch(self, argv: Sequence[str | Path]) -> tuple[Caught, Caught]:
        script = self.whole.directory / "both"
        one, other = (
            f"{c.program} -c {c.settings_file}"
            for c in attrs.astuple(self, recurse=False)
        )
        # Bash holds the pipe, and so the process, until both are done.
        script.write_text(
            f"#!/bin/bash\nPATH=/usr/bin:/bin\n"
            f'tee -p >({other} "$@") | {one} "$@"\nwait\n'
        )
        script.chmod(0o755)
        with core_pattern(f"|{script} {catching.SPECIFIERS}", pipe_limit=16):
            run_unlimited(argv)
            messages = [c.wait() for c in (self.whole, self.part)]
        return (
            self.whole.read(messages[0].split()[0]),
            self.part.read(messages[1].split()[0]),
        )


@pytest.fixture
def twins(catcher: Catcher, catch_program: Path) -> Iterator[Twins]:
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(catch_program, Path(directory)) as part,
    ):
        # Both read the pipe: neither lets the process go while the other needs it.
        catcher.write_settings(fetch="pipe")
        yield Twins(catcher, part)


# --- chosen by policy -------------------------------------------------------------


def frames(caught: Caught) -> list[list[tuple[str | None, int | None, int]]]:
    snapshot = coresnap.analyze(caught.core, assets=caught.members)
    return [[(f.function, f.line, f.pc) for f in t.frames] for t in snapshot.threads]


@pytest.mark.gdb
@pytest.mark.libdw
def test_a_core_of_stacks_has_the_stacks_of_the_whole_core(
    twins: Twins, program: list[str | Path]
) -> None:
    twins.part.write_settings(keep="stacks")
    whole, part = twins.catch(program)
    assert part.capture["rung"] == "stacks"
    assert part.capture["rung_reason"] == "policy"
    assert part.capture["truncated"] is False
    assert set(part.checks.values()) == {"passed"}
    assert whole.capture["rung"] == "full"
    assert_honest(part.core, whole.core)
    executable = Path(program[0])
    assert backtraces(executable, part.core) == backtraces(executable, whole.core)
    assert frames(part) == frames(whole)
    assert frames(part)[0][0][0] is not None
    assert blocks(part.core) < 10 * MEBIBYTE
    assert part.capture["stored_ranges"] == sum(
        1 for x in loads_of(part.core) if x.size
    )


@pytest.mark.libdw
def test_a_core_of_notes_has_the_registers_of_all_threads(
    twins: Twins, program: list[str | Path]
) -> None:
    twins.part.write_settings(keep="notes")
    whole, part = twins.catch(program)
    assert part.capture["rung"] == "notes"
    assert stored(part.core) == 0
    assert_honest(part.core, whole.core)
    with open_core(part.core) as found, open_core(whole.core) as expected:
        assert found.threads == expected.threads
    # Without a byte of its module a frame has an address, and perhaps a name.
    assert frames(part)[0][0][-1] == frames(whole)[0][0][-1]


def test_a_record_is_kept_where_no_core_is_wanted(
    catcher: Catcher, program: list[str | Path]
) -> None:
    record = keep(catcher, "record", program)
    assert not record.core.exists()
    assert record.capture["rung"] == "record"
    assert record.capture["rung_reason"] == "policy"
    assert record.capture["cut"] is None
    assert record.capture["parked"] > 0
    snapshot = analyze_record(record.members)
    assert snapshot.signal is not None
    assert snapshot.attributes["capture.rung"] == "record"


def test_nothing_is_kept_of_a_program_that_is_not_wanted(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    unwanted = compile_program("full_memory.c", "-O0", name="unwanted")
    catcher.write_settings(rule="*/unwanted\tkeep=nothing")
    with catcher.registered():
        run_unlimited([unwanted])
        assert catcher.wait().endswith(" reason=policy")
    assert_empty(catcher)
    assert catcher.catch([compile_program("full_memory.c", "-O0")]).core.exists()


def test_a_core_of_stacks_has_what_pointers_lead_to_and_no_more(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("secrets.c", "-O0", "-g")
    core = keep(catcher, "stacks", [program]).core
    content = core.read_bytes()
    assert b"OBJECT-11" in content
    assert content.count(b"FILLER-FILLER-16") < 64 * 1024 // 16
    assert blocks(core) < MEBIBYTE


def test_excluded_memory_is_absent_from_every_rung(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("secrets.c", "-O0", "-g")
    for rung in ("full", "stacks", "notes"):
        for important in ("0", ""):
            catcher.write_settings(important=important)
            content = keep(catcher, rung, [program]).core.read_bytes()
            # Vector registers hold some of what memcpy moved.
            assert content.count(b"SECRET-SECRET-16") * 16 < 512


# --- chosen by size ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"logical": "1000000"}, "logical-limit"),
        ({"physical": "1000000"}, "physical-limit"),
    ],
)
def test_a_core_above_a_limit_is_one_of_stacks(
    catcher: Catcher,
    compile_program: CompileProgram,
    limit: dict[str, str],
    reason: str,
) -> None:
    catcher.write_settings(**limit)
    caught = catcher.catch([compile_program("full_memory.c", "-O0"), "8"])
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == reason
    assert caught.core.stat().st_size < 2 * MEBIBYTE
    assert blocks(caught.core) < MEBIBYTE
    assert caught.capture["expected_size"] > 8 * MEBIBYTE


def test_a_program_may_be_as_large_as_its_rule_says(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0")
    catcher.write_settings(physical="1000000", rule="*/full_memory\tphysical=")
    assert catcher.catch([program, "8"]).capture["rung"] == "full"


# --- in the middle of a core --------------------------------------------------------


@contextlib.contextmanager
def mounted(kind: str, image: Path, size: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
        if kind != "tmpfs":
            image.touch()
            os.truncate(image, size)
            make = {
                "ext4": ["mkfs.ext4", "-q", "-m", "0", str(image)],
                "xfs": ["mkfs.xfs", "-q", str(image)],
            }[kind]
            try:
                subprocess.run(make, capture_output=True, check=True)
            except (OSError, subprocess.CalledProcessError):
                pytest.skip(f"cannot make a filesystem of type {kind}")
            options = ["-o", "loop", str(image)]
        mount = ["mount", *options, directory]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip(f"cannot mount {kind}")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)


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
                assert not core.notes_to_reader
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


# --- time ---------------------------------------------------------------------------


@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_when_the_budget_is_over_the_process_goes_and_its_stacks_are_kept(
    catcher: Catcher, compile_program: CompileProgram, fetch: str
) -> None:
    catcher.write_settings(fetch=fetch, budget="1")
    program = compile_program("full_memory.c", "-O0", "-g")
    caught = catcher.catch([program, "256"])
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == "budget"
    assert caught.capture["budget"] == 1_000_000
    assert blocks(caught.core) < 128 * MEBIBYTE
    snapshot = coresnap.analyze(caught.core, assets=caught.members)
    assert snapshot.threads[0].frames[0].function == "main"
    assert snapshot.attributes["capture.rung.reason"] == "budget"


def test_without_a_budget_the_whole_core_is_waited_for(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    catcher.write_settings(budget="0")
    caught = catcher.catch([compile_program("full_memory.c", "-O0"), "64"])
    assert caught.capture["rung"] == "full"
    assert caught.capture["budget"] is None


def test_a_huge_core_is_the_kernel_s_although_its_stacks_came_first(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0", "-g")
    for fetch in ("pipe", "memory"):
        cores = []
        for important in ("1", ""):
            catcher.write_settings(fetch=fetch, important=important, budget="0")
            caught = catcher.catch([*FIXED, program, "100"])
            assert caught.capture["rung"] == "full"
            assert caught.capture["stored_ranges"] is None
            assert caught.capture["size"] == caught.capture["expected_size"]
            cores.append(caught.core)
        # Room for headers that were not needed is given back.
        assert abs(blocks(cores[0]) - blocks(cores[1])) < 64 * 1024
        assert loads_of(cores[0]) == loads_of(cores[1])


def test_a_huge_core_is_byte_for_byte_the_kernel_s(
    twins: Twins, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0", "-g")
    for fetch in ("pipe", "memory"):
        twins.part.write_settings(fetch=fetch, important="1")
        whole, part = twins.catch([program, "100"])
        assert part.capture["rung"] == "full"
        assert filecmp.cmp(whole.core, part.core, shallow=False)


@attrs.define
class Helper:
    """A helper that waits in the middle of a core of a process that is there."""

    process: subprocess.Popen[bytes]
    archive: Path

    def finish(self) -> int:
        code = self.process.wait(timeout=20)
        assert self.process.stdin is not None
        self.process.stdin.close()
        return code


@pytest.fixture
def waiting(catcher: Catcher, child: subprocess.Popen[bytes]) -> Iterator[Helper]:
    catcher.write_settings(fetch="pipe", important="")
    yield from wait_in_core(catcher, child.pid)


def wait_in_core(catcher: Catcher, pid: int) -> Iterator[Helper]:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}/comm").read_text() != "sleep\n":
        assert time.monotonic() < deadline
    core = core_of(pid)
    helper = [str(catcher.program), "-c", str(catcher.settings_file)]
    process = subprocess.Popen(
        [*helper, str(pid), str(pid), "11"], stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(core[: len(core) - 8 * PAGE])
    process.stdin.flush()
    assets = catcher.spool / "assets"
    while not list(assets.iterdir()):
        assert time.monotonic() < deadline
    (archive,) = assets.iterdir()
    while Path(f"/proc/{process.pid}/wchan").read_text() not in (
        "anon_pipe_read",
        "pipe_read",
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield Helper(process, archive)
    process.kill()
    process.wait()
    process.stdin.close()


def test_a_helper_told_to_end_keeps_what_has_come(
    catcher: Catcher, waiting: Helper, child: subprocess.Popen[bytes]
) -> None:
    waiting.process.send_signal(signal.SIGTERM)
    assert waiting.finish() == 0
    caught = catcher.read(waiting.archive.name)
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == "time-out"
    assert caught.capture["truncated"] is False
    with open_core(caught.core) as core:
        pointer = core.threads[0].registers[core.architecture.stack_pointer]
        stack = core.memory.read(pointer, PAGE)
        with Path(f"/proc/{child.pid}/mem").open("rb", buffering=0) as memory:
            memory.seek(pointer)
            assert stack == memory.read(PAGE)


def test_a_helper_told_to_end_without_the_process_keeps_the_front(
    catcher: Catcher, waiting: Helper, child: subprocess.Popen[bytes]
) -> None:
    child.kill()
    child.wait()
    waiting.process.send_signal(signal.SIGTERM)
    assert waiting.finish() == 0
    caught = catcher.read(waiting.archive.name)
    assert caught.capture["cut"] == "time-out"
    assert caught.capture["truncated"] is True


def test_the_end_of_the_process_in_the_middle_is_said(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    catcher.write_settings(fetch="pipe", important="0")
    for helper in wait_in_core(catcher, child.pid):
        child.kill()
        child.wait()
        assert helper.process.stdin is not None
        helper.process.stdin.close()
        assert helper.process.wait(timeout=20) == 0
        caught = catcher.read(helper.archive.name)
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == "interrupted"
    with open_core(caught.core) as core:
        core.memory.read(core.threads[0].registers[core.architecture.stack_pointer], 64)


# --- the record ---------------------------------------------------------------------


def is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_record_is_there_and_locked_while_the_core_comes(
    catcher: Catcher, waiting: Helper
) -> None:
    assert is_locked(waiting.archive)
    assert not list((catcher.spool / "pending").iterdir())
    members = read_tar(waiting.archive)
    assert json.loads(members["crash.json"])["id"] == waiting.archive.name
    assert "process/maps" in members
    assert "capture.json" not in members


def test_sigkill_leaves_the_record_unlocked(catcher: Catcher, waiting: Helper) -> None:
    waiting.process.kill()
    waiting.process.wait()
    assert not is_locked(waiting.archive)
    assert not list((catcher.spool / "pending").iterdir())
    assert "process/maps" in read_tar(waiting.archive)


def test_a_record_belongs_to_the_owner_from_the_start(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    catcher.write_settings(owner="4711:4712", fetch="pipe")
    for helper in wait_in_core(catcher, child.pid):
        found = helper.archive.stat()
        assert (found.st_uid, found.st_gid) == (4711, 4712)
        assert found.st_mode & 0o777 == 0o600


# --- filesystems without O_TMPFILE ----------------------------------------------------


@pytest.fixture
def named_files() -> Iterator[Catcher]:
    """A spool that is like one on NFS: files must have a name from the start.

    The flag is built as O_DIRECTORY, which is what such kernels and filesystems see.
    """
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        flag = "-D__O_TMPFILE=__O_DIRECTORY"
        program = catching.build(Path(directory) / "catch", "-O2", flag)
        with catching.catcher(program, Path(directory)) as result:
            yield result


def test_a_spool_where_files_must_have_names_works_as_well(
    named_files: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0")
    for rung in ("full", "stacks", "notes"):
        caught = keep(named_files, rung, [program])
        assert caught.capture["rung"] == rung
        assert caught.core.stat().st_nlink == 1
    assert keep(named_files, "record", [program]).capture["rung"] == "record"
    names = {path.name for path in named_files.spool.glob("*/*")}
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)


def test_where_files_must_have_names_they_are_those_of_unfinished_ones(
    named_files: Catcher, child: subprocess.Popen[bytes]
) -> None:
    named_files.write_settings(fetch="pipe")
    for helper in wait_in_core(named_files, child.pid):
        assert re.fullmatch("[0-9a-f]{32}", helper.archive.name)
        (core,) = (named_files.spool / "pending").iterdir()
        assert core.name.startswith(PREFIX)
        helper.process.send_signal(signal.SIGTERM)
        assert helper.finish() == 0
        (core,) = (named_files.spool / "pending").iterdir()
        assert core.name == helper.archive.name


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
