"""coresnap-catch under the real kernel: what a crash leaves in the spool."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from catcher import Catcher
from conftest import CompileProgram
from kernel import run_unlimited

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]

CRASH_SOURCE = Path(__file__).parents[2] / "native" / "crash" / "crash.c"
SIGSEGV, SIGABRT = 11, 6
MEBIBYTE = 1 << 20


@pytest.fixture
def crash(compile_program: CompileProgram) -> Path:
    return compile_program(CRASH_SOURCE, "-O0", "-g", "-pthread")


def load_ends(core: Path) -> list[int]:
    """Ends of the PT_LOADs' bytes, as readelf tells them."""
    command = ["readelf", "-lW", str(core)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    fields = [line.split() for line in output.splitlines() if "LOAD" in line]
    return [int(field[1], 16) + int(field[4], 16) for field in fields]


def test_a_crash_leaves_a_whole_core_and_says_so(catcher: Catcher, crash: Path) -> None:
    caught = catcher.catch([crash])
    assert set(caught.checks.values()) == {"passed"}
    assert caught.capture["truncated"] is False
    assert caught.capture["cut"] is None
    assert caught.core.stat().st_size == caught.capture["size"]
    assert max(load_ends(caught.core)) == caught.capture["size"]
    assert caught.capture["expected_size"] == caught.capture["size"]


def test_the_kernel_s_arguments_are_recorded(catcher: Catcher, crash: Path) -> None:
    caught = catcher.catch([crash, "abort"])
    record = caught.crash
    assert record["id"] == caught.id
    assert re.fullmatch("[0-9a-f]{32}", caught.id)
    assert record["signal"] == SIGABRT
    assert record["tid"] == record["pid"]
    assert (record["uid"], record["gid"]) == (os.geteuid(), os.getegid())
    assert record["dump_mode"] == 1
    assert record["core_limit"] == (1 << 64) - 1
    assert record["executable"] == str(crash).replace("/", "!")
    assert record["hostname"] == os.uname().nodename
    assert abs(record["realtime"] - record["time"]) < 60 * 10**9
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert record["boot_id"] == boot_id


def test_the_process_is_verified_by_its_pidfd(catcher: Catcher, crash: Path) -> None:
    caught = catcher.catch([crash])
    pidfd_supported = (
        "socket" in Path("/proc/sys/kernel/core_modes").read_text()
        if (Path("/proc/sys/kernel/core_modes").exists())
        else False
    )
    assert caught.crash["verified"] is pidfd_supported


@pytest.mark.parametrize(
    "specifiers",
    [
        "%P %I %s %t %u %g %d %c -- %E",
        "%P %I %s %t %u %g %d %c %F -- %E extra arguments",
        "%P",
    ],
)
def test_missing_and_extra_arguments_are_tolerated(
    catcher: Catcher, crash: Path, specifiers: str
) -> None:
    caught = catcher.catch([crash], specifiers=specifiers)
    assert caught.capture["truncated"] is False
    assert caught.crash["verified"] is ("%F" in specifiers)
    assert "failed" not in caught.checks.values()


def test_arguments_without_a_pid_archive_nothing(catcher: Catcher, crash: Path) -> None:
    with catcher.registered(specifiers="-- %E"):
        run_unlimited([crash])
    assert not list((catcher.spool / "pending").iterdir())


def test_the_context_of_process_and_system_is_in_the_tar(
    catcher: Catcher, crash: Path
) -> None:
    members = catcher.catch([crash]).members
    process = {
        *("status", "stat", "maps", "smaps", "limits", "cgroup", "mountinfo"),
        *("cmdline", "environ", "auxv", "io", "sched", "wchan", "comm", "fd"),
        *("exe", "cwd", "root"),
    }
    assert {f"process/{name}" for name in process} <= members.keys()
    system = {"meminfo", "loadavg", "version", "uname", "uptime", "vmstat"}
    assert {f"system/{name}" for name in system} <= members.keys()
    if Path("/proc/pressure").exists():
        pressure = {f"system/pressure/{name}" for name in ("cpu", "io", "memory")}
        assert pressure <= members.keys()
    assert members["process/exe"] == os.fsencode(crash)
    assert members["process/cmdline"] == os.fsencode(crash) + b"\0"
    assert b"[stack]" in members["process/maps"]


def test_every_thread_is_in_the_tar(catcher: Catcher, crash: Path) -> None:
    caught = catcher.catch([crash])
    names = {
        content.decode().strip()
        for name, content in caught.members.items()
        if re.fullmatch(r"process/task/\d+/comm", name)
    }
    assert names == {crash.name, "worker-0", "worker-1", "worker-2"}
    tid = caught.crash["tid"]
    for name in ("comm", "stat", "io", "sched", "wchan"):
        assert f"process/task/{tid}/{name}" in caught.members


def test_descriptors_are_listed_with_their_targets(
    catcher: Catcher, crash: Path, tmp_path: Path
) -> None:
    target = tmp_path / "line\nbreak"
    target.touch()
    script = f'exec 7< "$1"; exec {crash}'
    caught = catcher.catch(["/bin/sh", "-c", script, "sh", target])
    entries = caught.members["process/fd"].removesuffix(b"\0").split(b"\0")
    assert b"7 " + os.fsencode(target) in entries


def test_r22_only_allowed_environment_leaves_the_process(
    catcher: Catcher, crash: Path
) -> None:
    env = {
        "PATH": "/bin",
        "LC_TIME": "C",
        "LC": "not this",
        "API_TOKEN": "canary-1f4c",
        "PATH_TOKEN": "canary-77aa",
        "EMPTY": "",
    }
    caught = catcher.catch([crash], env=env)
    kept = caught.members["process/environ"].split(b"\0")
    assert b"PATH=/bin" in kept
    assert b"LC_TIME=C" in kept
    assert not any(b"canary" in content for content in caught.members.values())
    assert not any(entry.startswith((b"LC=", b"EMPTY=")) for entry in kept)


def test_the_administrator_chooses_the_environment(
    catcher: Catcher, crash: Path
) -> None:
    catcher.write_settings(environ="MY_*,EXACT")
    env = {"PATH": "/bin", "MY_NAME": "a", "EXACT": "b", "EXACTLY": "c"}
    caught = catcher.catch([crash], env=env)
    kept = set(caught.members["process/environ"].split(b"\0")) - {b""}
    assert kept == {b"MY_NAME=a", b"EXACT=b"}


def test_files_belong_to_the_owner_and_to_nobody_else(
    catcher: Catcher, crash: Path
) -> None:
    catcher.write_settings(owner="4711:4712")
    caught = catcher.catch([crash])
    for path in (caught.core, catcher.spool / "assets" / caught.id):
        status = path.stat()
        assert (status.st_uid, status.st_gid) == (4711, 4712)
        assert stat.S_IMODE(status.st_mode) == 0o600
        assert status.st_nlink == 1


def test_a_mostly_empty_core_occupies_what_it_holds(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("large_hole.c", "-O0", "-g")
    caught = catcher.catch([program])
    status = caught.core.stat()
    assert status.st_size > 1 << 30
    assert status.st_blocks * 512 < 8 * MEBIBYTE
    assert caught.capture["bytes_stored"] < 4 * MEBIBYTE
    assert caught.capture["holes"] > 60


@pytest.mark.gdb
@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_gdb_reads_the_core_of_either_way(
    catcher: Catcher, crash: Path, fetch: str
) -> None:
    catcher.write_settings(fetch=fetch, drain="no")
    caught = catcher.catch([crash])
    assert caught.capture["way"] == fetch
    commands = ["-ex", "bt", "-ex", "p order->customer", "-ex", "info threads"]
    gdb = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off"]
    output = subprocess.run(
        [*gdb, "-ex", "frame function ship", *commands, str(crash), str(caught.core)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert re.search(r"store_total.*\n.*fail_null.*\n.*ship.*\n.*main", output)
    assert '"S. Bahra' in output
    assert output.count("LWP") >= 4


def test_without_core_pipe_limit_the_core_is_whole_too(
    catcher: Catcher, crash: Path
) -> None:
    caught = catcher.catch([crash], pipe_limit=0)
    assert caught.capture["truncated"] is False
    assert max(load_ends(caught.core)) == caught.capture["size"]


@pytest.mark.parametrize("drain", ["yes", "no"])
@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_the_parent_sees_a_dumped_core_by_either_way(
    catcher: Catcher, crash: Path, fetch: str, drain: str
) -> None:
    catcher.write_settings(fetch=fetch, drain=drain)
    with catcher.registered():
        pid = os.spawnv(os.P_NOWAIT, crash, [str(crash)])
        status = os.waitpid(pid, 0)[1]
        archive = catcher.wait().split()[0]
    assert os.WCOREDUMP(status)
    capture = catcher.read(archive).capture
    assert capture["way"] == fetch
    assert capture["drained"] is (drain == "yes" or fetch == "pipe")


HOSTILE = [
    "line\nbreak",
    "\x1b[31mred\x1b[0m",
    "bang!and space",
    "-c",
    "--",
    'quote"back\\slash',
    "n" * 200,
    "unüblich",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_r03_hostile_names_are_data_and_nothing_else(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path, name: str
) -> None:
    program = tmp_path / name
    program.write_bytes(compile_program("hostile_name.c", "-O0").read_bytes())
    program.chmod(0o755)
    caught = catcher.catch([program, name])
    assert sorted(path.name for path in catcher.spool.rglob("*")) == sorted(
        ["pending", "assets", caught.id, caught.id]
    )
    assert caught.members["process/exe"] == os.fsencode(program)
    assert caught.crash["executable"] == str(program).replace("/", "!")
    assert caught.checks["executable"] == "passed"
    assert caught.checks["command"] == "passed"


def test_r03_bytes_that_are_no_text_do_not_break_the_record(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    program = os.fsencode(tmp_path) + b"/\xff\xfe-\xe9"
    Path(os.fsdecode(program)).write_bytes(
        compile_program("hostile_name.c", "-O0").read_bytes()
    )
    os.chmod(program, 0o755)
    caught = catcher.catch([os.fsdecode(program)])
    assert caught.members["process/exe"] == program
    assert caught.crash["executable"].endswith("\ufffd\ufffd-\ufffd")
    assert caught.checks["executable"] == "passed"


def test_the_message_to_the_daemon_is_one_line_without_names(
    catcher: Catcher, crash: Path
) -> None:
    with catcher.registered():
        run_unlimited([crash])
        message = catcher.wait()
    assert re.fullmatch(r"[0-9a-f]{32} pid=\d+ signal=11 rung=full cut=no", message)


def test_no_daemon_is_no_reason_to_lose_a_crash(catcher: Catcher, crash: Path) -> None:
    catcher.write_settings(socket="/nonexistent/notify", drain="yes")
    with catcher.registered():
        run_unlimited([crash])
        (archive,) = catcher.wait_for_archives(1)
    assert load_ends(archive)


@pytest.mark.parametrize("fetch", ["pipe", "memory"])
def test_a_process_whose_first_thread_is_gone_is_seen_through_another(
    catcher: Catcher, compile_program: CompileProgram, fetch: str
) -> None:
    catcher.write_settings(fetch=fetch)
    program = compile_program("leaderless.c", "-O0", "-g", libraries=["-pthread"])
    caught = catcher.catch([program])
    assert caught.crash["tid"] != caught.crash["pid"]
    assert caught.capture["way"] == fetch
    assert caught.capture["truncated"] is False
    assert b"[stack]" in caught.members["process/maps"]
    assert caught.members["process/exe"] == os.fsencode(program)


def test_namespaces_and_a_chroot_are_understood(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    program = compile_program("hostile_name.c", "-O0", "-static")
    (tmp_path / "inner").write_bytes(program.read_bytes())
    (tmp_path / "inner").chmod(0o755)
    inside = ["unshare", "--pid", "--mount", "--fork", f"--root={tmp_path}"]
    with catcher.registered():
        run = run_unlimited([*inside, "/inner"])
        if b"unshare failed" in run.stderr:
            pytest.skip(run.stderr.decode())
        # unshare ends by the signal of its child and dumps a core, too: either of the
        # two may be announced first.
        both = [catcher.read(catcher.wait().split()[0]) for _ in range(2)]
    (caught,) = (c for c in both if c.crash["executable"] == "!inner")
    assert caught.members["process/exe"] == os.fsencode(tmp_path / "inner")
    assert set(caught.checks.values()) == {"passed"}
    (inner_pid,) = (
        check["expected"]
        for check in caught.capture["checks"]
        if check["name"] == "pid"
    )
    assert inner_pid == "1"


def test_the_core_of_a_setuid_program_is_marked(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("not installed: setpriv")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        program = Path(directory) / "setuid"
        program.write_bytes(compile_program("hostile_name.c", "-O0").read_bytes())
        program.chmod(0o4755)
        caught = catcher.catch(["setpriv", "--reuid=4711", "--clear-groups", program])
    assert caught.crash["dump_mode"] == 2
    assert caught.crash["uid"] == 4711
    assert caught.core.stat().st_uid == os.geteuid()


def test_twenty_crashes_at_once_are_twenty_archives(
    catcher: Catcher, crash: Path
) -> None:
    script = 'for i in 1 2 3 4 5 6 7 8 9 10; do "$1" & "$1" abort & done; wait'
    # A limit would make the kernel skip what is above it.
    with catcher.registered(pipe_limit=0):
        run_unlimited(["/bin/sh", "-c", script, "sh", crash])
        archives = catcher.wait_for_archives(20)
    assert len(archives) == 20
    for archive in archives:
        capture = catcher.read(archive.name).capture
        assert capture["cut"] is None
        assert archive.stat().st_size == capture["expected_size"]
