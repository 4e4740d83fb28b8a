"""Whose crash it is: recycled pids (R1), and programs with more rights than their
caller (R2).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from catcher import Catcher, Caught
from conftest import CompileProgram
from kernel import core_pattern, open_pidfd, run_unlimited
from livecore import core_of
from strangers import STRANGER, as_stranger

pytestmark = [pytest.mark.compiler, pytest.mark.root]

IMPOSTOR = Path(__file__).parents[1] / "native" / "impostor.c"
CANARY = b"impostor"


# --- R1 ---------------------------------------------------------------------------


@attrs.frozen
class Usurper:
    """Lets another process have a pid."""

    program: Path

    @contextlib.contextmanager
    def takes(self, pid: int) -> Iterator[None]:
        """Be the process ``pid``, which is dead and reaped, for a while."""
        parent = subprocess.Popen([self.program, str(pid)], stdout=subprocess.PIPE)
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"here\n"
            assert Path(f"/proc/{pid}/comm").read_text() == "impostor\n"
            yield
        finally:
            parent.kill()  # and its child dies with it
            parent.communicate()


@pytest.fixture
def usurper(compile_program: CompileProgram) -> Usurper:
    return Usurper(compile_program(IMPOSTOR, "-O1", "-D_GNU_SOURCE"))


def assert_no_impostor(caught: Caught) -> None:
    for name, content in caught.members.items():
        assert CANARY not in content, name
    assert caught.crash["verified"] is False
    assert caught.checks["process"] == "failed"


@contextlib.contextmanager
def held_up(catcher: Catcher) -> Iterator[Path]:
    """A handler that waits until a file is there before it is coresnap-catch.

    This stands for a machine so busy that the handler starts late.
    """
    gate = catcher.directory / "gate"
    script = catcher.directory / "late"
    script.write_text(
        "#!/bin/sh\nfor i in $(seq 500); do"
        f" [ -e {gate} ] && break; sleep 0.02; done\n"
        f'exec {catcher.program} "$@"\n'
    )
    script.chmod(0o700)
    yield script


def crash_and_die(victim: list[str | Path]) -> int:
    """Let a program crash, and kill and reap it while its core is being written."""
    process = subprocess.Popen(
        ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *victim]
    )
    status = Path(f"/proc/{process.pid}/status")
    deadline = time.monotonic() + 60
    while "CoreDumping:\t1" not in status.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    return process.pid


@pytest.mark.core_pattern
@pytest.mark.parametrize("pidfd", ["%F", ""])
def test_r01_a_pid_that_was_recycled_before_the_handler_ran_is_not_believed(
    catcher: Catcher, compile_program: CompileProgram, usurper: Usurper, pidfd: str
) -> None:
    if pidfd and "pipe" not in _core_modes():
        pytest.skip("this kernel has no %F")
    victim = compile_program("large_hole.c", "-O0", "-g")
    with held_up(catcher) as handler:
        pattern = (
            f"|{handler} -c {catcher.settings_file} %P %I %s %t %u %g %d %c {pidfd}"
        )
        with core_pattern(pattern.rstrip(), pipe_limit=0):
            pid = crash_and_die([victim])
            with usurper.takes(pid):
                (catcher.directory / "gate").touch()
                message = catcher.wait()
    caught = catcher.read(message.split()[0])
    assert caught.crash["pid"] == pid
    if pidfd:
        assert_no_impostor(caught)
        assert not [name for name in caught.members if name.startswith("process/")]
    else:
        # There is nothing to tell them apart by but the core itself.
        assert caught.crash["verified"] is False
        assert "failed" in caught.checks.values()
    assert caught.core.stat().st_uid == os.geteuid()


def _core_modes() -> str:
    path = Path("/proc/sys/kernel/core_modes")
    return path.read_text() if path.exists() else ""


@contextlib.contextmanager
def helper_at_the_pipe(
    catcher: Catcher, pid: int, *, pidfd: int | None
) -> Iterator[subprocess.Popen[bytes]]:
    """The helper, which has seen the process and waits for the core."""
    numbers = [pid, pid, 11, int(time.time()), 0, 0, 1, 0]
    arguments = [*map(str, numbers), "" if pidfd is None else str(pidfd), "--", "!x"]
    helper = subprocess.Popen(
        [catcher.program, "-c", catcher.settings_file, *arguments],
        stdin=subprocess.PIPE,
        pass_fds=[] if pidfd is None else [pidfd],
    )
    wchan = Path(f"/proc/{helper.pid}/wchan")
    deadline = time.monotonic() + 60
    while "pipe_read" not in wchan.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield helper
    assert helper.wait(60) == 0


@pytest.mark.parametrize("fetch", ["pipe", "memory"])
@pytest.mark.parametrize("verified", [True, False])
def test_r01_a_pid_that_is_recycled_while_the_core_comes_is_not_read(
    catcher: Catcher, usurper: Usurper, fetch: str, verified: bool
) -> None:
    catcher.write_settings(fetch=fetch)
    victim = subprocess.Popen(["sleep", "1000"])
    victim.send_signal(signal.SIGSTOP)
    pid = victim.pid
    core = core_of(pid)
    pidfd = open_pidfd(pid) if verified else None
    with helper_at_the_pipe(catcher, pid, pidfd=pidfd) as helper:
        victim.kill()
        victim.wait()
        with usurper.takes(pid):
            helper.communicate(core)
    if pidfd is not None:
        os.close(pidfd)
    caught = catcher.read(catcher.wait().split()[0])
    assert caught.core.read_bytes() == core
    assert caught.capture["way"] == "pipe"
    assert caught.checks["process"] == "failed"
    assert caught.crash["verified"] is verified  # it was, when /proc was read
    for name, content in caught.members.items():
        assert CANARY not in content, name


# --- R2 ---------------------------------------------------------------------------


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory whose programs anybody may run."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def copy_program(compile_program: CompileProgram, path: Path, mode: int) -> Path:
    """Put a program that crashes where a stranger can run it."""
    shutil.copy(compile_program("hostile_name.c", "-O0"), path)
    path.chmod(mode)
    return path


def assert_out_of_reach(caught: Caught, catcher: Catcher) -> None:
    """Neither core nor assets can be read by who started the program."""
    for path in (caught.core, catcher.spool / "assets" / caught.id):
        status = path.stat()
        assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())
        assert stat.S_IMODE(status.st_mode) == 0o600
        run = subprocess.run(as_stranger("cat", path), capture_output=True, check=False)
        assert run.returncode != 0
        assert b"Permission denied" in run.stderr


@pytest.mark.core_pattern
@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o4711])
def test_r02_the_core_of_a_setuid_program_is_out_of_its_caller_s_reach(
    catcher: Catcher, compile_program: CompileProgram, open_directory: Path, mode: int
) -> None:
    program = copy_program(compile_program, open_directory / "privileged", mode)
    caught = catcher.catch(as_stranger(program))
    assert caught.crash["dump_mode"] == 2
    assert caught.crash["uid"] == STRANGER
    assert_out_of_reach(caught, catcher)


@pytest.mark.core_pattern
def test_r02_the_core_of_a_program_with_file_capabilities_is_out_of_reach(
    catcher: Catcher, compile_program: CompileProgram, open_directory: Path
) -> None:
    program = copy_program(compile_program, open_directory / "capable", 0o755)
    # VFS_CAP_REVISION_2 with the effective bit, then permitted and inheritable words:
    # CAP_NET_RAW (include/uapi/linux/capability.h).
    value = b"".join(n.to_bytes(4, "little") for n in (0x02000001, 1 << 13, 0, 0, 0))
    try:
        vars(os)["setxattr"](program, "security.capability", value)
    except OSError as problem:
        pytest.skip(f"no file capabilities on {open_directory}: {problem.strerror}")
    caught = catcher.catch(as_stranger(program))
    assert b"CapEff:\t0000000000002000" in caught.members["process/status"]
    assert caught.crash["dump_mode"] == 2
    assert_out_of_reach(caught, catcher)


@pytest.mark.core_pattern
def test_r02_not_even_the_core_of_one_s_own_program_is_within_reach(
    catcher: Catcher, compile_program: CompileProgram, open_directory: Path
) -> None:
    program = copy_program(compile_program, open_directory / "plain", 0o755)
    caught = catcher.catch(as_stranger(program))
    assert (caught.crash["dump_mode"], caught.crash["uid"]) == (1, STRANGER)
    assert_out_of_reach(caught, catcher)


@pytest.mark.core_pattern
def test_r02_with_suid_dumpable_0_a_setuid_program_leaves_nothing(
    catcher: Catcher, compile_program: CompileProgram, open_directory: Path
) -> None:
    program = copy_program(compile_program, open_directory / "privileged", 0o4755)
    pattern = f"|{catcher.program} -c {catcher.settings_file} %P %I %s %t %u %g %d"
    with core_pattern(pattern, pipe_limit=16, suid_dumpable=0):
        run_unlimited(as_stranger(program))
    assert not list((catcher.spool / "pending").iterdir())


@pytest.mark.core_pattern
def test_r02_with_suid_dumpable_1_a_setuid_program_is_out_of_reach_as_well(
    catcher: Catcher, compile_program: CompileProgram, open_directory: Path
) -> None:
    """The kernel then says of every program that its user may have the core."""
    program = copy_program(compile_program, open_directory / "privileged", 0o4755)
    pattern = f"|{catcher.program} -c {catcher.settings_file} %P %I %s %t %u %g %d"
    with core_pattern(pattern, pipe_limit=16, suid_dumpable=1):
        run_unlimited(as_stranger(program))
        message = catcher.wait()
    caught = catcher.read(message.split()[0])
    assert caught.crash["dump_mode"] == 1
    assert_out_of_reach(caught, catcher)
