"""The operational commands with FreeBSD's backend, on a kernel that was recorded."""

from __future__ import annotations

import functools
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import coresnap.backends
from conftest import CORPUS
from coresnap.backends import freebsd, freebsd_arrivals
from coresnap.backends.freebsd import FreeBSDBackend
from coresnap.config import Config
from coresnap.daemon import rehearsal
from freebsd_kernel import RecordedKernel, drop, recorded_kernel
from shortpath import short_directory

from .operations import Bench, make_bench

pytestmark = [pytest.mark.root, pytest.mark.corpus]

TESTS = Path(__file__).parents[2]
CRASH = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import freebsd_corewriter as writer
target = writer.AMD64
core = writer.write_core(target, notes=[
    writer.prpsinfo(target, pid=os.getpid(), command=b"python"),
    *writer.thread(target, tid=100001, registers={}, signal=11),
])
drops = os.path.dirname(open(sys.argv[2]).read())
place = os.path.join(drops, f"{os.getpid()}.0.11.python.core")
with open(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
    stream.write(core)
os.kill(os.getpid(), signal.SIGSEGV)
"""
"""Does what kernel and process do together: a core in the directory, and an end."""


@attrs.define
class NotingKernel(RecordedKernel):
    """Leaves kern.corefile in a file, for a process that plays its part."""

    note: Path = Path()

    def write(self, name: str, value: str) -> None:
        RecordedKernel.write(self, name, value)
        self.note.write_text(self.settings["kern.corefile"])


@attrs.frozen
class Machine:
    bench: Bench
    kernel: NotingKernel


@pytest.fixture
def machine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    kernel = NotingKernel(recorded_kernel(CORPUS).settings)

    def select(config: Config) -> FreeBSDBackend:
        return FreeBSDBackend(config, kernel, devd=config.root / "devd")

    monkeypatch.setattr(coresnap.backends, "select", select)
    monkeypatch.setattr(rehearsal, "select", select)
    # RLIMIT_NPROC, which FreeBSD's confinement sets, counts threads on Linux.
    monkeypatch.setattr(freebsd, "confine", functools.partial(tuple, ()))
    monkeypatch.setattr(freebsd_arrivals, "SETTLE_SECONDS", 0.1)
    with short_directory() as directory:
        kernel.note = directory / "corefile"
        yield Machine(make_bench(directory, capsys), kernel)


def test_install_and_uninstall_are_told_and_undone(machine: Machine) -> None:
    bench, before = machine.bench, dict(machine.kernel.settings)

    installed = bench.run("install")

    drops = bench.config.drop_directory
    assert installed.code == 0
    assert f"kern.corefile = {drops}/%P.%U.%S.%N.core" in installed.output
    assert "core_pattern" not in installed.output
    assert stat.S_IMODE(drops.stat().st_mode) == 0o1733
    assert bench.run("status").output.startswith("crashes go to: coresnap (installed)")

    uninstalled = bench.run("uninstall", "--json").json

    assert uninstalled["owner"] == "the kernel"
    assert machine.kernel.settings == before


def test_doctor_has_a_line_for_each_reason(machine: Machine) -> None:
    bench = machine.bench
    missing = bench.run("doctor")
    assert missing.code == 1
    assert "cores go elsewhere" in missing.output

    bench.run("install")
    drop(bench.config.drop_directory, "9.1001.11.a.core", b"x", uid=1002)
    body = bench.run("doctor", "--json").json

    checks = {found["check"]: found for found in body["findings"]}
    assert checks["corefile"]["level"] == "ok"
    assert checks["devd"]["level"] == "warn"
    assert "9.1001.11.a.core" in checks["drop-content"]["message"]
    assert all(bool(c["remedy"]) == (c["level"] != "ok") for c in checks.values())


def test_another_owner_is_named_and_left_alone(machine: Machine) -> None:
    machine.kernel.settings["kern.corefile"] = "/var/ucrash/%N.core"

    refused = machine.bench.run("install")

    assert refused.code == 69
    assert "ucored handles" in refused.error
    assert machine.bench.run("install", "--replace").code == 0
    machine.bench.run("uninstall")
    assert machine.kernel.settings["kern.corefile"] == "/var/ucrash/%N.core"


@pytest.mark.parametrize("installed", [True, False])
def test_a_crash_on_purpose_is_followed_to_its_snapshot(
    machine: Machine, tmp_path: Path, installed: bool
) -> None:
    if installed:
        machine.bench.run("install")
    before = dict(machine.kernel.settings)
    (tmp_path / "crash.py").write_text(CRASH)
    words = [str(tmp_path / "crash.py"), str(TESTS), str(machine.kernel.note)]

    answer = machine.bench.run("catch-test", "--json", sys.executable, *words)

    assert answer.code == 0, answer.error
    assert answer.json["snapshot"]["command"] == "python"
    assert answer.json["snapshot"]["signal"]["number"] == 11
    assert machine.kernel.settings == before
