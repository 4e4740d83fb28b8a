"""What the crashed process says and brings along is data, and nothing is done about it.

Its root (R8), its sockets (R9), its directory (R15), its names (R18), its home (R19),
its environment (R20) and its secrets (R22).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import coresnap
from catcher import Catcher
from conftest import CompileProgram
from kernel import HELPER, KernelLog, run_unlimited
from opened import opened

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]

SECRET = "a-secret-of-the-process"
REPOSITORY = Path(__file__).parents[2]


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Wait for words that should not come."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as trap:
        trap.bind(str(path))
        path.chmod(0o777)
        trap.setblocking(False)
        yield trap


def assert_silent(trap: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        trap.recv(1)


# --- R8, R9 -----------------------------------------------------------------------


@pytest.mark.parametrize("modules", ["no", "container", "all"])
def test_r08_nothing_below_another_root_is_opened_but_what_is_mapped(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path, modules: str
) -> None:
    catcher.write_settings(modules=modules)
    program = compile_program("hostile_name.c", "-O0", "-static")
    root = tmp_path / "root"
    for name in ("etc", "proc/self", "dev", "usr/bin", "var/coresnap"):
        (root / name).mkdir(parents=True)
    inner = root / "inner"
    shutil.copy(program, inner)
    bait = root / "etc/localtime"
    bait.write_text(SECRET)
    (root / "etc/passwd").symlink_to("/etc/shadow")
    os.mkfifo(root / "usr/bin/docker")
    os.mkfifo(root / "var/coresnap/catch.conf")
    with (
        catcher.registered(),
        opened(root, *(p for p in root.rglob("*") if p.is_dir())) as seen,
    ):
        run = run_unlimited(["chroot", root, "/inner"])
        assert run.returncode < 0
        caught = catcher.read(catcher.wait().split()[0])
        names = {name for name in seen.names() if not Path(name).is_dir()}
    assert caught.members["process/root"] == os.fsencode(root)
    assert names <= {str(inner)}
    for content in caught.members.values():
        assert SECRET.encode() not in content


def test_r08_a_path_of_another_mount_namespace_is_not_looked_up_in_ours(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    """Where the process has its program, the machine has a bait."""
    program = compile_program("hostile_name.c", "-O0", "-static")
    place = tmp_path / "place"
    place.mkdir()
    shutil.copy("/bin/true", place / "program")
    script = (
        f"mount -t tmpfs tmpfs {place} && cp {program} {place}/program"
        f" && exec {place}/program"
    )
    with catcher.registered(), opened(place) as seen:
        run = run_unlimited(["unshare", "--mount", "sh", "-c", script])
        if b"unshare failed" in run.stderr:
            pytest.skip(run.stderr.decode())
        caught = catcher.read(catcher.wait().split()[0])
        assert str(place / "program") not in seen.names()
    assert caught.members["process/exe"] == os.fsencode(place / "program")


def test_r09_nothing_is_forwarded_to_a_socket_inside_a_container(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    """A container has a socket of its own where the daemon's is."""
    program = compile_program("hostile_name.c", "-O0", "-static")
    inner = tmp_path / "i"
    inner.mkdir()
    socket_path = inner / "notify"
    shutil.copy(program, inner / "program")
    place = catcher.directory
    script = f"mount --bind {inner} {place}; exec {place}/program"
    with catcher.registered(), listening(socket_path) as trap:
        run = run_unlimited(["unshare", "--mount", "sh", "-c", script])
        if b"unshare failed" in run.stderr:
            pytest.skip(run.stderr.decode())
        assert catcher.wait()
        assert_silent(trap)


# --- R15 --------------------------------------------------------------------------


def test_r15_no_debugger_and_no_file_beside_the_core_is_run(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    """Tools that others run on cores, and files that such tools would load."""
    marker = tmp_path / "ran"
    place = tmp_path / "place"
    place.mkdir()
    shell, python = f"touch {marker}\n", f"open({str(marker)!r}, 'w')\n"
    program = place / "program"
    shutil.copy(compile_program("hostile_name.c", "-O0", "-g"), program)
    for name in ("gdb", "lldb", "eu-stack", "eu-unstrip", "addr2line", "c++filt", "sh"):
        (place / name).write_text(f"#!/bin/sh\n{shell}")
        (place / name).chmod(0o755)
    for name in ("json.py", "coresnap.py", "program-gdb.py", "sitecustomize.py"):
        (place / name).write_text(python)
    for name in (".gdbinit", ".lldbinit", "program-gdb.gdb"):
        (place / name).write_text(f"shell {shell}")
    caught = catcher.catch([program])
    # As the script `coresnap` does: without the working directory in its path.
    command = "from coresnap.views.cli.process import run_process; run_process()"
    run = subprocess.run(
        [sys.executable, "-P", "-c", command, "analyze", caught.core],
        cwd=place,
        env={"PATH": str(place), "HOME": str(place), "PYTHONPATH": f"{REPOSITORY}/src"},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert b"main" in run.stdout
    assert not marker.exists()


# --- R18 --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["x\ncoresnap: bait", "\x1b[2Jx", "-- -c /x", "%s%n%n", "\u202ebait", "n" * 200],
)
def test_r18_a_line_of_the_log_is_ours_whatever_the_process_is_called(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path, name: str
) -> None:
    program = tmp_path / name.replace("/", "!")
    shutil.copy(compile_program("hostile_name.c", "-O0"), program)
    with KernelLog() as log:
        caught = catcher.catch([program, name])
        catcher.settle()
        said = log.said()
    # Handlers of others may have said something meanwhile, but not this.
    bait = re.sub("[^ -~]", "", name.splitlines()[-1]).removeprefix(HELPER)
    assert not [line for line in said if bait in line]
    pid = caught.crash["pid"]
    ours = [line for line in said if re.search(rf"\b({pid}|{caught.id})\b", line)]
    assert ours == [f"crash of pid {pid} archived as {caught.id} (full)"]


# --- R19, R20, R22 ----------------------------------------------------------------


def test_r19_no_settings_of_a_user_are_read(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    program = compile_program("hostile_name.c", "-O0")
    home = tmp_path / "home"
    hidden = home / ".config/coresnap"
    hidden.mkdir(parents=True)
    for path in (
        home / ".coresnap.conf",
        home / "catch.conf",
        hidden / "coresnap.conf",
    ):
        os.mkfifo(path)
    (home / ".apport-ignore.xml").symlink_to("/etc/shadow")
    environment = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "CORESNAP_CONFIG": str(home / "catch.conf"),
    }
    with catcher.registered(), opened(home, hidden) as seen:
        assert run_unlimited([program], cwd=home, env=environment).returncode < 0
        message = catcher.wait()
        names = {name for name in seen.names() if not Path(name).is_dir()}
    assert names == set()
    assert catcher.read(message.split()[0]).capture["rung"] == "full"


def test_r20_the_environment_of_the_process_is_not_acted_on(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    program = compile_program("hostile_name.c", "-O0")
    other = tmp_path / "spool"
    with listening(tmp_path / "n") as trap, listening(tmp_path / "bus") as bus:
        environment = {
            "NOTIFY_SOCKET": str(tmp_path / "n"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path / 'bus'}",
            "TMPDIR": str(other),
            "CORESNAP_SPOOL": str(other),
            "LD_LIBRARY_PATH": str(other),
            "GCONV_PATH": str(other),
            "CORESNAP_ATTRIBUTES": json.dumps({"a": SECRET}),
        }
        caught = catcher.catch([program], env=environment)
        assert_silent(trap)
        assert_silent(bus)
    assert not other.exists()
    assert caught.core.parent == catcher.spool / "pending"


def test_r22_a_secret_is_only_where_the_policy_leaves_it(
    catcher: Catcher, compile_program: CompileProgram, tmp_path: Path
) -> None:
    """Not in the assets; and of a core, not in the snapshot's registers."""
    catcher.write_settings(environ="PATH")
    program = compile_program("vectors.c", "-O0", "-g")
    secret = SECRET.encode()
    caught = catcher.catch([program], env={"TOKEN": SECRET, "PATH": "/bin"})
    for name, content in caught.members.items():
        assert secret not in content, name
    assert b"PATH=/bin" in caught.members["process/environ"]
    # The core has it, on the stack and in a vector register.
    assert caught.core.read_bytes().count(secret[:16]) >= 2
    snapshot = coresnap.analyze(caught.core, assets=caught.members)
    halves = {int.from_bytes(secret[at : at + 8], "little") for at in (0, 8)}
    for thread in snapshot.threads:
        assert not halves & set(thread.registers.values())
        assert not [name for name in thread.registers if name.startswith("xmm")]
