"""Fetching for a worker without network."""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest

from conftest import CompileProgram, KernelCore
from coresnap.analysis.debuginfo.debuginfod import DebuginfodSettings
from coresnap.analysis.debuginfo.symbol_directory import Kind
from coresnap.analysis.debuginfo.wanted import Wanted
from coresnap.backends.archive_files import make_directories
from coresnap.backends.linux import LinuxBackend
from coresnap.config import Config, load_config
from coresnap.daemon.fetch_broker import BrokeredFetcher, debuginfod_settings
from coresnap.daemon.job import Job
from coresnap.daemon.worker import Outcome, Verdict, Worker
from coresnap.elfcore.elffile import open_elf
from debuginfod_server import FakeServer, serving

UNKNOWN = "cd" * 20
KIND: Kind = "debuginfo"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving() as fake:
        yield fake


@pytest.fixture
def config(tmp_path: Path, server: FakeServer) -> Config:
    file = tmp_path / "conf"
    file.write_text(f"[symbols]\ndebuginfod.urls = {server.url}/\n")
    return attrs.evolve(load_config(file), root=tmp_path, worker_time=60)


Run = Callable[[Callable[[Job, int], dict[str, Any]]], Outcome]


@pytest.fixture
def run(config: Config, tmp_path: Path) -> Iterator[Run]:
    output = os.open(tmp_path / "output", os.O_RDWR | os.O_CREAT, 0o600)

    def run(analyse: Callable[[Job, int], dict[str, Any]]) -> Outcome:
        settings = debuginfod_settings(config)
        core = tmp_path / "core"
        job = Job("0" * 32, core, 0, None, None, (), debuginfod=settings)
        backend = LinuxBackend(config)
        return Worker(job, output, config, backend, analyse, None).wait()

    yield run
    os.close(output)


def connection_of(job: Job) -> int:
    assert job.fetcher is not None
    return job.fetcher


def test_nobody_is_asked_unless_somebody_is_named(tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("")
    assert debuginfod_settings(load_config(tmp_path / "conf")) is None


def test_the_settings_are_those_of_the_file(config: Config, server: FakeServer) -> None:
    assert debuginfod_settings(config) == DebuginfodSettings(
        (server.url,), config.root / "debuginfod", 90, 300, 2 << 30
    )


@pytest.mark.root
def test_install_makes_the_default_directory_and_no_other(
    config: Config, tmp_path: Path
) -> None:
    named = attrs.evolve(config, debuginfod_cache=tmp_path / "shared")
    make_directories(named, (12345, 12345))
    assert not named.fetched.exists()
    make_directories(config, (12345, 12345))
    status = (tmp_path / "debuginfod").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (12345, 0o700)


@pytest.mark.compiler
def test_a_worker_without_network_gets_what_the_broker_fetched(
    run: Run, server: FakeServer, config: Config, compile_program: CompileProgram
) -> None:
    program = compile_program("simple.c", "-g", "-Wl,--build-id=sha1", "-pthread")
    build_id = open_elf(program).build_id
    assert build_id is not None
    server.serve(build_id, "debuginfo", program.read_bytes())
    address = urlsplit(server.url)

    def analyse(job: Job, output: int) -> dict[str, Any]:
        fetcher = BrokeredFetcher(config.root / "debuginfod", connection_of(job))
        wanted = [Wanted(build_id, "debuginfo"), Wanted(UNKNOWN, "executable")]
        found = fetcher.fetch(wanted)
        path = found[wanted[0]].path
        try:
            with socket.socket() as own:
                refused = own.connect_ex((str(address.hostname), address.port or 0))
        except OSError as error:
            refused = error.errno or 0
        return {
            "same": path is not None and path.read_bytes() == program.read_bytes(),
            "listed": [
                str(p) for p in fetcher.directory.candidates(build_id, "debuginfo")
            ],
            "missing": [s.result for s in found[wanted[1]].searches],
            "refused": refused,
        }

    outcome = run(analyse)
    assert outcome.verdict == Verdict.DONE, outcome.reason
    assert outcome.facts.pop("refused") in (
        errno.EPERM,
        errno.ENETUNREACH,
        errno.EACCES,
    )
    assert outcome.facts == {
        "same": True,
        "listed": [str(config.root / "debuginfod" / build_id / "debuginfo")],
        "missing": ["not there (404)"],
    }


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\n",
        b"{}\n",
        json.dumps({"wanted": [["../../etc/passwd", "debuginfo"]]}).encode() + b"\n",
        json.dumps({"wanted": [[UNKNOWN, "source/etc/passwd"]]}).encode() + b"\n",
        b"[" * 100_000 + b"\n",
    ],
    ids=["nonsense", "nothing", "a path", "another kind", "deep"],
)
def test_a_worker_in_an_attacker_s_hands_can_ask_for_build_ids_only(
    run: Run, server: FakeServer, said: bytes
) -> None:
    def analyse(job: Job, output: int) -> dict[str, Any]:
        os.write(connection_of(job), said)
        return {"answer": os.read(connection_of(job), 100).decode()}

    outcome = run(analyse)
    assert outcome.facts == {"answer": ""}
    assert server.asked == []


def test_a_broker_that_is_gone_has_nothing(config: Config) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    wanted = Wanted(UNKNOWN, "debuginfo")
    with ours:
        fetched = BrokeredFetcher(config.root, ours.fileno()).fetch([wanted])[wanted]
    assert fetched.path is None
    assert [s.result for s in fetched.searches] == ["ended before it had answered"]


def test_a_broker_ends_with_its_worker(run: Run, server: FakeServer) -> None:
    def waits(request: object) -> None:
        server.ending.wait()

    server.serve(UNKNOWN, "debuginfo", waits)

    def analyse(job: Job, output: int) -> dict[str, Any]:
        asked = {"wanted": [[UNKNOWN, "debuginfo"]]}
        os.write(connection_of(job), json.dumps(asked).encode() + b"\n")
        return {}

    # The download has 90 seconds, and the worker none of them.
    assert run(analyse).verdict == Verdict.DONE
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
def test_the_worker_s_snapshot_has_lines_from_a_server(
    run: Run,
    server: FakeServer,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
) -> None:
    import subprocess

    from coresnap.daemon.job import analyse_core
    from coresnap.snapshot.container import read_snapshot

    built = compile_program("inlines.c", "-g", "-O1", "-Wl,--build-id=sha1")
    program = tmp_path / "program"
    program.write_bytes(built.read_bytes())
    program.chmod(0o755)
    subprocess.run(["strip", program], check=True)
    core = kernel_core([program])
    build_id = str(open_elf(program).build_id)
    server.serve(build_id, "executable", program.read_bytes())
    server.serve(build_id, "debuginfo", built.read_bytes())
    program.unlink()

    def analyse(job: Job, output: int) -> dict[str, Any]:
        return analyse_core(attrs.evolve(job, core=core), output)

    outcome = run(analyse)
    assert outcome.verdict == Verdict.DONE, outcome.reason
    snapshot = read_snapshot(tmp_path / "output")
    frame = snapshot.threads[0].frames[0]
    assert frame.file is not None
    assert frame.file.endswith("inlines.c")
    (module,) = [m for m in snapshot.modules if m.path == str(program)]
    found = [(s.what, s.result) for s in module.searches if s.what == "debuginfod"]
    assert found == [("debuginfod", "used")] * 4
