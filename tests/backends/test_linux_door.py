"""The socket in core_pattern: which form, and whether anybody is behind it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import kernel
from coresnap.backends.linux_door import LinuxDoor, is_served, socket_pattern
from coresnap.backends.linux_sysctl import CORE_PATTERN, Sysctl
from coresnap.errors import CaptureError
from shortpath import short_directory

pytestmark = pytest.mark.linux

MODES = Path("/proc/sys/kernel/core_modes")


@pytest.mark.parametrize(
    ("release", "pattern"),
    [
        ("6.16.8-arch1", "@/run/c"),
        ("6.17.0", "@@/run/c"),
        ("6.18-rc1", "@@/run/c"),
        ("7.0.1-2-amd64", "@@/run/c"),
    ],
)
def test_kernels_that_ask_first_are_asked_to(release: str, pattern: str) -> None:
    assert socket_pattern(Path("/run/c"), release) == pattern


@pytest.mark.skipif(
    not Path("/proc/net/unix").exists(), reason="Linux lists its sockets"
)
def test_only_a_socket_that_listens_is_served() -> None:
    with short_directory() as directory:
        path = directory / "s"
        assert not is_served(f"@@{path}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.bind(str(path))
            assert not is_served(f"@@{path}")
            server.listen()
            assert is_served(f"@@{path}")
            assert is_served(f"@{path}")
        assert not is_served(f"@@{path}")


@pytest.fixture
def door(tmp_path: Path) -> LinuxDoor:
    sysctl = Sysctl(tmp_path)
    sysctl.path(CORE_PATTERN).parent.mkdir()
    sysctl.path(CORE_PATTERN).write_text("|/catch\n")
    return LinuxDoor(Path("/run/c"), ("/catch",), 0, "@@/run/c", "|/catch", sysctl)


def test_shut_gives_back_what_open_took(door: LinuxDoor, tmp_path: Path) -> None:
    sysctl = Sysctl(tmp_path)
    door.open()
    assert sysctl.read(CORE_PATTERN) == "@@/run/c"
    door.shut()
    assert sysctl.read(CORE_PATTERN) == "|/catch"


def test_a_pattern_of_somebody_else_is_left_alone(
    door: LinuxDoor, tmp_path: Path
) -> None:
    sysctl = Sysctl(tmp_path)
    sysctl.write(CORE_PATTERN, "core")
    with pytest.raises(CaptureError, match="left alone"):
        door.open()
    door.shut()
    assert sysctl.read(CORE_PATTERN) == "core"


def test_a_kernel_that_refuses_keeps_the_pipe(
    door: LinuxDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux 6.16.8 and later take an invalid pattern, and forget it when it is read."""
    sysctl = Sysctl(tmp_path)
    read = Sysctl.read

    def forget_sockets(self: Sysctl, name: str) -> str:
        value = read(self, name)
        return "core" if value.startswith("@") else value

    monkeypatch.setattr(Sysctl, "read", forget_sockets)
    with pytest.raises(CaptureError, match="does not keep"):
        door.open()
    assert sysctl.read(CORE_PATTERN) == "|/catch"


@pytest.mark.root
def test_the_machine_s_mounts_are_seen_by_who_has_others(tmp_path: Path) -> None:
    """As a unit of systemd has them: there the kernel would refuse a socket."""
    code = (
        "import os, pathlib; from coresnap.backends.linux_door import LinuxDoor\n"
        f"mounts = pathlib.Path('/proc/{os.getpid()}/ns/mnt')\n"
        "before = os.stat('/proc/self/ns/mnt').st_ino\n"
        "door = LinuxDoor(mounts, (), 0, '', '', None, mounts)\n"
        "door.enter()\n"
        "after = os.stat('/proc/self/ns/mnt').st_ino\n"
        "print(before == after, after == os.stat(mounts).st_ino)\n"
        "LinuxDoor(mounts, (), 0, '', '', None, pathlib.Path('/none')).enter()\n"
    )
    run = subprocess.run(
        ["unshare", "-m", "--propagation", "private", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in run.stderr:
        pytest.skip(f"no namespaces here: {run.stderr.strip()}")
    assert (run.stdout, run.stderr) == ("False True\n", "")


_OPEN = """
import pathlib, sys
from coresnap.backends.linux_door import LinuxDoor
from coresnap.backends.linux_sysctl import Sysctl
from coresnap.errors import CaptureError
path, sysctl = pathlib.Path("/run/coresnap-none/c"), Sysctl()
door = LinuxDoor(path, (), 0, f"@@{path}", "core", sysctl, pathlib.Path(sys.argv[1]))
door.enter()
try:
    door.open()
    print(sysctl.read("kernel.core_pattern"))
except CaptureError:
    print("refused")
door.shut()
"""


@pytest.mark.root
@pytest.mark.core_pattern
@pytest.mark.skipif(
    not MODES.exists() or "socket" not in MODES.read_text(),
    reason="this kernel sends no cores to sockets (Linux 6.16 does)",
)
def test_the_kernel_takes_a_socket_from_the_machine_s_mounts_alone() -> None:
    words = ["unshare", "-m", "--propagation", "private", sys.executable, "-c", _OPEN]
    said = []
    with kernel.core_pattern("core"):
        for mounts in ("/none", f"/proc/{os.getpid()}/ns/mnt"):
            run = subprocess.run(
                [*words, mounts], capture_output=True, text=True, check=False
            )
            if "unshare failed" in run.stderr:
                pytest.skip(f"no namespaces here: {run.stderr.strip()}")
            said.append(run.stdout.strip())

    assert said == ["refused", "@@/run/coresnap-none/c"]
