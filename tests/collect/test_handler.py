"""The handler in Python does what the compiled one does, and starts as light."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import kernel
from coresnap.collect import handler
from coresnap.collect.assets import read_assets
from coresnap.collect.spool import Part, Spool, create_spool
from shortpath import short_directory

SOURCE = Path(handler.__file__)
SPECIFIERS = "%P %I %s %t %u %g %d %c %F -- %E"
FORBIDDEN = (
    *("attr", "attrs", "argparse", "cffi", "coresnap", "ctypes", "elftools", "logging"),
    *("msgspec", "pathlib", "psutil", "shutil", "sqlite3", "structlog", "subprocess"),
    *("tarfile", "tempfile", "typing", "_native"),
)


@pytest.fixture
def directory() -> Iterator[Path]:
    with short_directory() as directory:
        create_spool(directory / "spool")
        yield directory


@pytest.fixture
def spool(directory: Path) -> Iterator[Spool]:
    with Spool(directory / "spool") as spool:
        yield spool


@pytest.fixture
def listener(directory: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(directory / "notify"))
        listener.settimeout(60)
        yield listener


def write_settings(directory: Path, **settings: str) -> Path:
    path = directory / "conf"
    values = {"spool": f"{directory}/spool", "socket": f"{directory}/notify"}
    values |= {"quota": "0%"} | settings
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    path.chmod(0o600)
    return path


def run(
    directory: Path, *words: str, core: bytes = b"core"
) -> subprocess.CompletedProcess[bytes]:
    """Run the handler by hand, as the kernel does."""
    command = [sys.executable, "-IS", str(SOURCE), "-c", f"{directory}/conf", *words]
    return subprocess.run(command, input=core, capture_output=True, check=False)


def members(spool: Spool, archive_id: str) -> dict[str, bytes]:
    fd = spool.open(Part.ASSETS, archive_id)
    try:
        found = read_assets(fd)
    finally:
        os.close(fd)
    assert found.problems == ()
    return found.members


# --- start-up -----------------------------------------------------------------


def test_it_imports_nothing_heavy_and_nothing_of_ours() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        f"exec(open({str(SOURCE)!r}).read(), {{'__name__': 'handler'}})\n"
        "print(*set(sys.modules) - before)"
    )
    run = subprocess.run(
        [sys.executable, "-IS", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert "json" in loaded
    assert loaded.intersection(FORBIDDEN) == set()


# --- arguments and settings ---------------------------------------------------


def test_arguments_are_read_by_position() -> None:
    numbers = ["42", "43", "11", "1461535521", "1000", "100", "1", "0", "3"]
    words = ["-c", "/x", *numbers, "--", "!a!b", "c"]

    path, values = handler.parse_arguments(words)

    assert path == "/x"
    assert values == {
        "pid": 42,
        "tid": 43,
        "signal": 11,
        "time": 1461535521,
        "uid": 1000,
        "gid": 100,
        "dump_mode": 1,
        "core_limit": 0,
        "pidfd": 3,
        "executable": "!a!b c",
    }


@pytest.mark.parametrize(
    ("words", "pid", "executable"),
    [
        (["42"], 42, None),
        (["42", "--", "--"], 42, "--"),
        (["42", "", "", "", "", "", "", "", "", "--", ""], 42, None),
        ([*"123456789", "10", "11", "--", "x"], 1, "x"),
    ],
)
def test_missing_and_extra_arguments_are_borne(
    words: list[str], pid: int, executable: str | None
) -> None:
    _, values = handler.parse_arguments(words)

    assert (values["pid"], values["executable"]) == (pid, executable)


@pytest.mark.parametrize("words", [[], ["--", "x"], ["x"], ["", "1"]])
def test_without_a_pid_it_does_nothing(directory: Path, words: list[str]) -> None:
    write_settings(directory)

    assert run(directory, *words).returncode == 2
    assert os.listdir(directory / "spool" / "pending") == []


def test_settings_that_others_could_write_are_not_believed(directory: Path) -> None:
    path = write_settings(directory, quota="77%")
    assert handler.read_settings(str(path))["quota"] == "77%"

    path.chmod(0o666)
    assert handler.read_settings(str(path))["quota"] == "10%"

    path.unlink()
    path.symlink_to("/etc/passwd")
    assert handler.read_settings(str(path))["quota"] == "10%"


# --- by hand ------------------------------------------------------------------


def test_a_core_is_archived_sparse_with_its_context(
    directory: Path, spool: Spool, listener: socket.socket
) -> None:
    write_settings(directory, environ="CORESNAP_*")
    core = b"begin" + bytes(5 << 20) + b"end"
    environment = {"CORESNAP_TEST": "kept", "SECRET": "not"}
    with subprocess.Popen(["/bin/sleep", "60"], env=environment) as child:
        words = [str(child.pid), str(child.pid), "11", "1461535521", "0", "0", "1", "0"]
        result = run(directory, *words, "", "--", "!bin!sleep", core=core)
        child.kill()

    assert result.returncode == 0, result.stderr
    archive_id = listener.recv(200).decode().split()[0]
    archive = spool.archive(archive_id)
    assert archive is not None
    assert archive.application == "sleep"
    assert archive.time == 1461535521 * 10**9
    assert spool.path(Part.CORE, archive_id).read_bytes() == core
    assert archive.disk_size < 1 << 20
    kept = members(spool, archive_id)
    assert b"Name:\tsleep" in kept["process/status"]
    assert kept["process/environ"] == b"CORESNAP_TEST=kept\0"
    assert kept["process/exe"].endswith(b"sleep")
    assert b"MemTotal" in kept["system/meminfo"]
    assert json.loads(kept["crash.json"])["signal"] == 11
    capture = json.loads(kept["capture.json"])
    assert capture["bytes_in"] == capture["size"] == len(core)
    assert capture["truncated"] is False


def test_a_process_that_is_gone_leaves_a_core_and_a_failed_check(
    directory: Path, spool: Spool, listener: socket.socket
) -> None:
    write_settings(directory)

    assert run(directory, str(2**22 + 1), "", "11").returncode == 0

    archive_id = listener.recv(200).decode().split()[0]
    kept = members(spool, archive_id)
    assert "process/status" not in kept
    (check,) = json.loads(kept["capture.json"])["checks"]
    assert (check["name"], check["result"]) == ("process", "failed")


@pytest.mark.linux
def test_a_recycled_pid_is_told_by_the_pidfd(
    directory: Path, spool: Spool, listener: socket.socket
) -> None:
    write_settings(directory)
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        held = getattr(os, "pidfd_open")(os.getpid())  # noqa: B009 - Linux
        words = [str(other.pid), "", "11", "", "", "", "", "", str(held)]
        command = [sys.executable, "-IS", str(SOURCE), "-c", f"{directory}/conf"]
        subprocess.run([*command, *words], input=b"x", pass_fds=[held], check=True)
        os.close(held)
        other.kill()

    kept = members(spool, listener.recv(200).decode().split()[0])
    assert "process/status" not in kept


def test_nothing_is_written_below_the_quota(
    directory: Path, listener: socket.socket
) -> None:
    write_settings(directory, quota="100%")

    assert run(directory, "1", "1", "11").returncode == 1
    assert listener.recv(200).startswith(b"refused pid=1 signal=11")
    assert os.listdir(directory / "spool" / "pending") == []


@pytest.mark.parametrize("harm", ["open", "link", "missing"])
def test_a_spool_that_is_not_private_is_not_used(directory: Path, harm: str) -> None:
    write_settings(directory)
    pending = directory / "spool" / "pending"
    if harm == "open":
        pending.chmod(0o777)
    else:
        pending.rmdir()
    if harm == "link":
        pending.symlink_to("/tmp")

    assert run(directory, "1", "1", "11").returncode == 1


def test_closed_standard_descriptors_do_not_reach_the_archive(
    directory: Path, spool: Spool, listener: socket.socket
) -> None:
    write_settings(directory)
    script = 'exec "$@" >&- 2>&-'
    command = [sys.executable, "-IS", str(SOURCE), "-c", f"{directory}/conf", "1"]
    subprocess.run(
        ["/bin/sh", "-c", script, "sh", *command], input=b"the core", check=True
    )

    archive_id = listener.recv(200).decode().split()[0]
    assert spool.path(Part.CORE, archive_id).read_bytes() == b"the core"


# --- by the kernel ------------------------------------------------------------


@pytest.mark.core_pattern
@pytest.mark.root
def test_the_kernel_runs_it_and_the_core_is_what_file_mode_gives(
    directory: Path, spool: Spool, listener: socket.socket
) -> None:
    interpreter = Path(sys.executable).resolve()
    program = directory / "catch"
    program.write_bytes(f"#!{interpreter} -IS\n".encode() + SOURCE.read_bytes())
    program.chmod(0o755)
    settings = write_settings(directory, owner="65534:65534")
    with kernel.core_pattern(f"|{program} -c {settings} {SPECIFIERS}", pipe_limit=16):
        crashed = kernel.run_unlimited(["/bin/sh", "-c", "kill -SEGV $$"])
        message = listener.recv(200).decode()

    assert crashed.returncode == -signal.SIGSEGV
    archive_id = message.split()[0]
    status = spool.path(Part.CORE, archive_id).stat()
    assert (status.st_uid, status.st_gid) == (65534, 65534)
    assert stat.S_IMODE(status.st_mode) == 0o600
    kept = members(spool, archive_id)
    crash, capture = (json.loads(kept[f"{n}.json"]) for n in ("crash", "capture"))
    assert crash["executable"].endswith("sh")
    assert capture["checks"][0]["result"] == "passed"
    assert kept["process/comm"] == b"sh\n"
    readelf = subprocess.run(
        ["readelf", "-h", str(spool.path(Part.CORE, archive_id))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "CORE (Core file)" in readelf.stdout
