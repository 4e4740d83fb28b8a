"""coresnap-catch when things go wrong: what is kept, what is refused, what is said.

Most of it needs no core_pattern: the helper gets a core on its standard input, and a
child of ours to describe.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import catcher as catching
from catcher import Catcher, assert_empty, feed
from conftest import CompileProgram, KernelCore
from kernel import open_pidfd, run_unlimited

pytestmark = [pytest.mark.compiler, pytest.mark.root]

MEBIBYTE = 1 << 20
EM_68K = 4


@pytest.fixture(scope="module")
def full_core(compile_program: CompileProgram, kernel_core: KernelCore) -> bytes:
    """A core of some 3 MiB without holes to speak of."""
    return kernel_core([compile_program("full_memory.c", "-O0"), "3"]).read_bytes()


# --- what comes through the pipe ------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"\x7fEL", b"not a core" * 1000, b"\0" * 9999]
)
def test_what_is_no_core_is_kept_and_said_to_be_none(
    catcher: Catcher, child: subprocess.Popen[bytes], content: bytes
) -> None:
    run = feed(catcher, content, child.pid)
    caught = catcher.read(run.id)
    assert caught.core.read_bytes() == content
    assert caught.checks["format"] == "failed"
    assert caught.capture["expected_size"] is None
    assert caught.capture["cut"] == (None if content else "empty")


@pytest.mark.core_pattern
def test_r27_a_core_cut_anywhere_is_kept_and_said_to_be_cut(
    catcher: Catcher, child: subprocess.Popen[bytes], full_core: bytes
) -> None:
    for size in (64, 100, 1000, 5000, 100_000, len(full_core) - 1):
        run = feed(catcher, full_core[:size], child.pid)
        caught = catcher.read(run.id)
        assert caught.core.read_bytes() == full_core[:size]
        if caught.checks["format"] == "passed":
            assert caught.capture["cut"] == "interrupted"
            assert caught.checks["extents"] == "failed"


@pytest.mark.core_pattern
def test_a_core_of_another_machine_is_kept_and_the_check_fails(
    catcher: Catcher, child: subprocess.Popen[bytes], full_core: bytes
) -> None:
    core = full_core[:18] + struct.pack("<H", EM_68K) + full_core[20:]
    caught = catcher.read(feed(catcher, core, child.pid).id)
    assert caught.checks["machine"] == "failed"
    assert caught.core.read_bytes() == core


@pytest.mark.core_pattern
def test_a_core_of_another_process_is_kept_and_the_checks_fail(
    catcher: Catcher, child: subprocess.Popen[bytes], full_core: bytes
) -> None:
    checks = catcher.read(feed(catcher, full_core, child.pid).id).checks
    failed = {name for name, result in checks.items() if result == "failed"}
    assert failed == {"pid", "command", "executable"}


@pytest.mark.core_pattern
def test_r13_headers_that_lie_are_survived(
    catcher: Catcher, child: subprocess.Popen[bytes], full_core: bytes
) -> None:
    phoff, count = struct.unpack_from("<Q", full_core, 32)[0], full_core[56]
    lies = [
        (32, struct.pack("<Q", (1 << 64) - 8)),  # program headers beyond everything
        (32, struct.pack("<Q", len(full_core) - 8)),
        (54, struct.pack("<H", 1)),  # a size of a program header that is none
        (56, struct.pack("<H", 0xFFFE)),  # as many program headers as can be
        (56, struct.pack("<H", 0xFFFF)),  # PN_XNUM
        (56, struct.pack("<H", 0)),
        *((phoff + 56 * i + 8, b"\xff" * 8) for i in range(count)),  # p_offset
        *((phoff + 56 * i + 32, b"\xff" * 8) for i in range(count)),  # p_filesz
    ]
    catcher.write_settings(fetch="memory")
    for offset, lie in lies:
        core = full_core[:offset] + lie + full_core[offset + len(lie) :]
        run = feed(catcher, core, child.pid)
        assert run.code == 0
        assert catcher.read(run.id).core.read_bytes() == core


# --- who crashed -------------------------------------------------------------------


def test_without_a_pidfd_nothing_is_verified(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    caught = catcher.read(feed(catcher, b"core", child.pid).id)
    assert caught.crash["verified"] is False
    assert "process/status" in caught.members


def test_the_pidfd_of_another_process_keeps_proc_out(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    pidfd = open_pidfd(os.getpid())
    try:
        caught = catcher.read(feed(catcher, b"core", child.pid, pidfd=pidfd).id)
    finally:
        os.close(pidfd)
    assert caught.crash["verified"] is False
    assert caught.checks["process"] == "failed"
    assert not [name for name in caught.members if name.startswith("process/")]
    assert "system/meminfo" in caught.members


def test_a_pidfd_of_the_process_verifies_it(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    pidfd = open_pidfd(child.pid)
    try:
        caught = catcher.read(feed(catcher, b"core", child.pid, pidfd=pidfd).id)
    finally:
        os.close(pidfd)
    assert caught.crash["verified"] is True
    assert caught.checks["process"] == "passed"


def test_a_descriptor_that_is_no_pidfd_verifies_nothing(
    catcher: Catcher, child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with (tmp_path / "file").open("w") as file:
        run = feed(catcher, b"core", child.pid, pidfd=file.fileno())
    assert catcher.read(run.id).crash["verified"] is False


def test_a_process_that_is_gone_still_leaves_its_core(catcher: Catcher) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    caught = catcher.read(feed(catcher, b"core", gone.pid).id)
    assert caught.core.read_bytes() == b"core"
    assert caught.checks["process"] == "failed"
    assert "system/meminfo" in caught.members


def test_r10_the_helper_s_own_crash_is_not_archived(catcher: Catcher) -> None:
    helper = [str(catcher.program), "-c", str(catcher.settings_file), "1"]
    with subprocess.Popen(helper, stdin=subprocess.PIPE) as waiting:
        run = feed(catcher, b"core", waiting.pid)
        assert waiting.stdin is not None
        waiting.stdin.close()
    assert run.code == 0
    assert run.message == "" or "pid=1 " in run.message
    cores = [path.read_bytes() for path in (catcher.spool / "pending").iterdir()]
    assert b"core" not in cores


# --- the settings ---------------------------------------------------------------------


def refused(catcher: Catcher) -> bool:
    """Say whether the helper ignores the settings: it then has no spool to write to.

    The built-in spool is that of an installed system, so its absence is required.
    """
    if Path("/var/coresnap/archive").exists():
        pytest.skip("/var/coresnap/archive exists on this machine")
    run = feed(catcher, b"core", os.getpid())
    assert_empty(catcher)
    return run.code == 1


def test_r19_settings_behind_a_symbolic_link_are_refused(catcher: Catcher) -> None:
    real = catcher.settings_file.rename(catcher.directory / "real")
    catcher.settings_file.symlink_to(real)
    assert refused(catcher)


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o620])
def test_settings_that_others_may_write_are_refused(
    catcher: Catcher, mode: int
) -> None:
    catcher.settings_file.chmod(mode)
    assert refused(catcher)


def test_settings_of_another_user_are_refused(catcher: Catcher) -> None:
    os.chown(catcher.settings_file, 4711, 4711)
    assert refused(catcher)


def test_r19_settings_that_are_a_pipe_do_not_block(catcher: Catcher) -> None:
    catcher.settings_file.unlink()
    os.mkfifo(catcher.settings_file, 0o600)
    assert refused(catcher)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "unknown=1",
        "quota=101%",
        "quota=10",
        "owner=root",
        "fetch=never",
        "=",
    ],
)
def test_a_line_that_makes_no_sense_leaves_the_others(
    catcher: Catcher, line: str
) -> None:
    with catcher.settings_file.open("a") as file:
        file.write(f"# a comment\n\n{line}\n")
    assert feed(catcher, b"core", os.getpid()).code == 0


# --- the spool ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "pending", "assets"])
def test_a_spool_that_others_may_write_is_refused(catcher: Catcher, name: str) -> None:
    (catcher.spool / name).chmod(0o777)
    run = feed(catcher, b"core", os.getpid())
    assert run.code == 1
    assert run.message.startswith(f"refused pid={os.getpid()} ")
    assert_empty(catcher)


def test_a_spool_of_another_user_is_refused_unless_that_is_the_owner(
    catcher: Catcher,
) -> None:
    for path in (catcher.spool, *catcher.spool.iterdir()):
        os.chown(path, 4711, 4711)
    catcher.write_settings(owner="1:1")
    assert feed(catcher, b"core", os.getpid()).code == 1
    catcher.write_settings(owner="4711:4711")
    assert feed(catcher, b"core", os.getpid()).code == 0


@pytest.mark.parametrize("name", ["pending", "assets"])
def test_a_missing_or_linked_directory_is_refused(catcher: Catcher, name: str) -> None:
    (catcher.spool / name).rmdir()
    assert feed(catcher, b"core", os.getpid()).code == 1
    (catcher.spool / name).symlink_to("/tmp")
    assert feed(catcher, b"core", os.getpid()).code == 1


# --- the disk -------------------------------------------------------------------------


@pytest.fixture(params=["tmpfs", "ext4"])
def small_spool(
    request: pytest.FixtureRequest, catch_program: Path, tmp_path: Path
) -> Iterator[Catcher]:
    """A spool on a filesystem of its own, of 16 MiB."""
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        options = ["-t", "tmpfs", "-o", "size=16m", "tmpfs"]
        if request.param == "ext4":
            image = tmp_path / "image"
            with image.open("wb") as file:
                file.truncate(16 * MEBIBYTE)
            make = ["mkfs.ext4", "-q", str(image)]
            if subprocess.run(make, capture_output=True, check=False).returncode:
                pytest.skip("cannot make an ext4 filesystem")
            options = ["-o", "loop", str(image)]
        mount = ["mount", *options, directory]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip(f"cannot mount {request.param}")
        try:
            with catching.catcher(catch_program, Path(directory)) as result:
                yield result
        finally:
            subprocess.run(["umount", directory], check=True)


def leave_free(spool: Catcher, size: int) -> None:
    """Fill the filesystem but for ``size`` bytes."""
    space = os.statvfs(spool.directory)
    ballast = spool.directory / "ballast"
    ballast.write_bytes(b"x" * (space.f_bavail * space.f_frsize - size))


@pytest.mark.core_pattern
@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_a_core_that_no_disk_could_hold_is_not_begun(
    small_spool: Catcher, compile_program: CompileProgram, fetch: str
) -> None:
    small_spool.write_settings(fetch=fetch)
    program = compile_program("full_memory.c", "-O0")
    caught = small_spool.catch([program, "30"])
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == "no-space"
    assert caught.capture["truncated"] is False
    assert caught.checks["extents"] == "passed"
    assert caught.core.stat().st_blocks * 512 < 2 * MEBIBYTE
    assert caught.core.stat().st_size == caught.capture["size"]


@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_a_full_disk_keeps_the_front_of_a_core_whose_process_is_unknown(
    small_spool: Catcher, full_core: bytes, child: subprocess.Popen[bytes], fetch: str
) -> None:
    small_spool.write_settings(fetch=fetch)
    leave_free(small_spool, 2 * MEBIBYTE)
    caught = small_spool.read(feed(small_spool, full_core, child.pid).id)
    assert caught.capture["rung"] == "full"
    assert caught.capture["cut"] == "no-space"
    assert caught.capture["truncated"] is True
    assert caught.checks["extents"] == "failed"
    assert caught.core.stat().st_size == caught.capture["size"]
    assert full_core.startswith(caught.core.read_bytes())


@pytest.mark.core_pattern
def test_r12_the_quota_stops_the_core_while_it_grows(
    small_spool: Catcher, full_core: bytes, child: subprocess.Popen[bytes]
) -> None:
    small_spool.write_settings(quota="50%")
    space = os.statvfs(small_spool.spool)
    leave_free(small_spool, space.f_blocks * space.f_frsize // 2 + 2 * MEBIBYTE)
    caught = small_spool.read(feed(small_spool, full_core, child.pid).id)
    assert caught.capture["cut"] == "quota"
    space = os.statvfs(small_spool.spool)
    assert space.f_bavail * 2 >= space.f_blocks * 0.95
    assert full_core.startswith(caught.core.read_bytes())


def test_below_the_quota_nothing_is_written_at_all(small_spool: Catcher) -> None:
    small_spool.write_settings(quota="99%")
    (small_spool.directory / "ballast").write_bytes(bytes(MEBIBYTE))
    run = feed(small_spool, b"core", os.getpid())
    assert run.code == 1
    assert run.message.endswith(" reason=quota")
    assert_empty(small_spool)


def test_r12_without_inodes_nothing_is_written_at_all(catch_program: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        options = ["-t", "tmpfs", "-o", "size=16m,nr_inodes=8", "tmpfs", directory]
        if subprocess.run(["mount", *options], check=False).returncode:
            pytest.skip("cannot mount a tmpfs")
        try:
            with catching.catcher(catch_program, Path(directory)) as spool:
                spool.write_settings(quota="30%")
                run = feed(spool, b"core", os.getpid())
                assert run.message.endswith(" reason=quota")
                assert_empty(spool)
        finally:
            subprocess.run(["umount", directory], check=True)


# --- the helper itself is killed ------------------------------------------------------


def test_r27_a_helper_killed_midway_leaves_a_record(
    catcher: Catcher, child: subprocess.Popen[bytes]
) -> None:
    arguments = [str(child.pid), str(child.pid), "11"]
    helper = subprocess.Popen(
        [catcher.program, "-c", catcher.settings_file, *arguments],
        stdin=subprocess.PIPE,
    )
    assert helper.stdin is not None
    # More than the pipe takes: when this returns, the helper is in the core.
    helper.stdin.write(b"x" * 3 * MEBIBYTE)
    helper.kill()
    helper.wait()
    helper.stdin.close()
    assert not list((catcher.spool / "pending").iterdir())
    (assets,) = (catcher.spool / "assets").iterdir()
    with assets.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    with tarfile.open(assets) as archive:
        names = archive.getnames()
    assert names[0] == "crash.json"
    assert "process/status" in names
    assert "capture.json" not in names


@pytest.mark.core_pattern
def test_a_process_killed_while_it_dumps_leaves_a_core_that_says_so(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    catcher.write_settings(fetch="pipe")
    program = compile_program("large_hole.c", "-O0", "-g")
    victim = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    seen = set()
    with catcher.registered():
        for delay in (0.005, 0.01, 0.02, 0.04, 0.08):
            process = subprocess.Popen([program])
            time.sleep(delay)
            process.kill()
            process.wait()
            # A process is not gone before its helper has started.
            catcher.settle()
            try:
                message = catcher.wait(timeout=0.001)
            except TimeoutError:
                continue  # it had not crashed yet
            caught = catcher.read(message.split()[0])
            seen.add(caught.capture["cut"])
            whole = caught.core.stat().st_size == caught.capture["expected_size"]
            assert whole is (caught.capture["cut"] is None)
        run_unlimited(["python3", "-c", victim, program])
        assert catcher.wait().endswith("cut=no")
    assert seen <= {None, "interrupted", "empty"}


# --- sanitizers -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def sanitized_program() -> Iterator[Path]:
    """The helper with ASan and UBSan; leaks do not matter to what is about to exit."""
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        yield catching.build(
            Path(directory) / "catch",
            "-O1",
            "-g",
            "-fsanitize=address,undefined",
            "-fno-sanitize-recover=all",
        )


@pytest.mark.sanitizer
@pytest.mark.core_pattern
@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_nothing_is_read_or_written_where_it_should_not_be(
    sanitized_program: Path,
    full_core: bytes,
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    fetch: str,
) -> None:
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    pidfd = open_pidfd(child.pid)
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(sanitized_program, Path(directory)) as spool,
    ):
        spool.write_settings(fetch=fetch)
        for size in (0, 63, 64, 200, 4096, 60_000, len(full_core)):
            run = feed(spool, full_core[:size], child.pid, pidfd=pidfd)
            assert run.code == 0
            assert spool.read(run.id).crash["verified"] is True
    os.close(pidfd)


@pytest.mark.sanitizer
@pytest.mark.core_pattern
def test_a_real_crash_is_caught_by_the_sanitized_helper(
    sanitized_program: Path, compile_program: CompileProgram
) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(sanitized_program, Path(directory)) as spool,
    ):
        spool.write_settings(fetch="memory")
        caught = spool.catch([compile_program("memory_kinds.c", "-O0")])
        assert set(caught.checks.values()) == {"passed"}
        assert caught.capture["way"] == "memory"
