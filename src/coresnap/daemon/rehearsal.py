"""A crash on purpose, followed from the kernel to the snapshot."""

from __future__ import annotations

import contextlib
import importlib.resources
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import attrs

from coresnap.backends import select
from coresnap.backends.base import CaptureBackend
from coresnap.collect.archive import archive_file
from coresnap.collect.journal import State, is_locked, read_entries
from coresnap.collect.spool import Part, Spool, create_spool
from coresnap.config import Config
from coresnap.crash import Archive, Crash
from coresnap.daemon.inline import open_pipeline
from coresnap.errors import CaptureError, UsageError, WorkerError

__all__ = [
    "Rehearsal",
    "Result",
    "as_installed",
    "from_file",
    "temporarily_installed",
]

Report = Callable[..., None]
"""Called with a sentence when a step is over."""

_ARRIVAL_SECONDS = 10.0
_SETTLE_SECONDS = 60.0
"""How long a core may take that no event tells of."""
_POLL_SECONDS = 0.005
_PROGRAM_SECONDS = 60
_OTHER_USER = "nobody"
"""Who owns a temporary installation's archive, and runs its worker."""


@attrs.frozen
class Result:
    """What came of a rehearsal."""

    id: str
    core_size: int
    """Apparent bytes."""
    snapshot: Path


@attrs.frozen
class _Death:
    """A program that crashed."""

    pid: int
    signal: int
    time: int
    """UTC nanoseconds before it was started."""


@attrs.frozen
class Rehearsal:
    """One way of catching a crash, ready to be tried."""

    config: Config
    backend: CaptureBackend
    directory: Path
    """Where the program runs; removed afterwards."""
    catches: bool
    """Whether a handler archives the core; else the kernel leaves a file."""

    def run(self, program: Sequence[str], report: Report) -> Result:
        """Crash ``program``, or our own, and wait for its snapshot.

        Raises UsageError if it does not crash, CaptureError if no core arrives and
        WorkerError if it cannot be analysed.
        """
        death = crash(program or self._own_program(), self.directory)
        report(f"process {death.pid} died of {_signal_name(death.signal)}")
        with Spool(self.config.spool) as spool:
            if self.catches:
                self._take_dropped(death)
                archive = _await_archive(spool, death)
            else:
                archive = self._archive_file(spool, death)
            on_disk = f"{archive.disk_size / 1000:.0f} kB on disk"
            path = spool.path(Part.CORE, archive.id)
            report(f"archived in {path}, {on_disk}")
            self._analyse(spool, archive, report)
            snapshot = spool.path(Part.SNAPSHOT, archive.id)
        return Result(archive.id, archive.size, snapshot)

    def _own_program(self) -> list[str]:
        program = importlib.resources.files("coresnap") / "libexec" / "coresnap-crash"
        if not program.is_file():
            return ["/bin/sh", "-c", "kill -SEGV $$"]
        # Where the worker, which is another user, may read it.
        copy = self.directory / program.name
        copy.write_bytes(program.read_bytes())
        copy.chmod(0o755)
        return [str(copy)]

    def _take_dropped(self, death: _Death) -> None:
        """Do what a daemon would where the kernel drops files and none runs."""
        by_daemon = is_locked(self.config.journal) is not None
        if by_daemon or not self.backend.capabilities.drop_directory:
            return
        deadline = time.monotonic() + _SETTLE_SECONDS
        with contextlib.closing(self.backend):
            self.backend.prepare()
            self.backend.listen()
            with open_pipeline(self.config, self.backend, _silent) as pipeline:
                while (left := deadline - time.monotonic()) > 0:
                    crash = self.backend.receive(left)
                    if crash is not None:
                        pipeline.take(crash)
                    if crash is not None and crash.pid == death.pid:
                        return

    def _archive_file(self, spool: Spool, death: _Death) -> Archive:
        path = _find_core(self.directory, self.backend)
        told = Crash(pid=death.pid, signal=death.signal, time=death.time)
        archive_id = archive_file(spool, path, told, self.config.dump_quota)
        archive = spool.archive(archive_id)
        assert archive is not None
        return archive

    def _analyse(self, spool: Spool, archive: Archive, report: Report) -> None:
        if is_locked(self.config.journal) is not None:
            self._await_daemon(spool, archive)
            report("the daemon made the snapshot")
            return
        with open_pipeline(self.config, self.backend, _silent) as pipeline:
            outcome = pipeline.process(archive.id)
        if outcome is None or outcome.reason:
            reason = outcome.reason if outcome is not None else "it vanished"
            raise WorkerError(f"{archive.id} cannot be analysed: {reason}")
        confined = ", ".join(outcome.confinement) or "nothing"
        report(f"no daemon runs: a worker made the snapshot, confined by {confined}")

    def _await_daemon(self, spool: Spool, archive: Archive) -> None:
        deadline = time.monotonic() + self.config.worker_time
        while time.monotonic() < deadline:
            now = spool.archive(archive.id)
            if now is not None and now.has_snapshot:
                return
            entry = read_entries(self.config.journal).get(archive.id)
            if entry is not None and entry.state is State.FAILED:
                reason = entry.detail.get("reason", "?")
                raise WorkerError(f"{archive.id} cannot be analysed: {reason}")
            time.sleep(_POLL_SECONDS)
        raise WorkerError(
            f"the daemon made no snapshot of {archive.id}",
            remedy="`coresnap status` and the daemon's log may tell why.",
        )


# --- three ways -----------------------------------------------------------------


@contextlib.contextmanager
def as_installed(config: Config, backend: CaptureBackend) -> Iterator[Rehearsal]:
    """Use the installation of this machine; the crash stays in its spool."""
    with _directory() as directory:
        yield Rehearsal(config, backend, directory, catches=True)


@contextlib.contextmanager
def temporarily_installed(config: Config) -> Iterator[Rehearsal]:
    """Install into a directory of its own, and undo it afterwards."""
    with _directory() as directory, _ended_by_sigterm():
        own = _private_config(config, directory / "root", user=_OTHER_USER)
        own = attrs.evolve(own, handler=directory / "coresnap-catch")
        backend = select(own)
        try:
            backend.install()
            yield Rehearsal(own, backend, directory, catches=True)
        finally:
            backend.uninstall()


@contextlib.contextmanager
def from_file(config: Config, backend: CaptureBackend) -> Iterator[Rehearsal]:
    """Let the kernel write a file, and archive it into a directory of its own."""
    with _directory() as directory:
        own = _private_config(config, directory / "root", user=config.user)
        create_spool(own.spool)
        own.journal.parent.mkdir(mode=0o700)
        work = directory / "work"
        work.mkdir()
        yield Rehearsal(own, backend, work, catches=False)


def _private_config(config: Config, root: Path, user: str) -> Config:
    return attrs.evolve(config, root=root, socket=root / "notify", user=user)


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="coresnap-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM unwind the stack, so that the kernel's settings are given back."""
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


# --- steps ----------------------------------------------------------------------


def crash(program: Sequence[str], directory: Path) -> _Death:
    """Run a program that may dump a core, and return how it died.

    Raises UsageError if it does not die of a signal.
    """
    if shutil.which(program[0]) is None:
        raise UsageError(f"there is no program {program[0]}")
    started = time.time_ns()
    script = 'ulimit -c unlimited 2>/dev/null || ulimit -c $(ulimit -Hc); exec "$@"'
    child = subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", *program],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        code = child.wait(_PROGRAM_SECONDS)
    except subprocess.TimeoutExpired as error:
        child.kill()
        child.wait()
        raise UsageError(f"{program[0]} did not end in {_PROGRAM_SECONDS} s") from error
    if code >= 0:
        raise UsageError(f"{program[0]} did not crash: it left with exit code {code}")
    return _Death(child.pid, -code, started)


def _await_archive(spool: Spool, death: _Death) -> Archive:
    # The handler lets the process go before it has committed the core; until then there
    # is only its record.
    deadline = time.monotonic() + _ARRIVAL_SECONDS
    while time.monotonic() < deadline:
        for archive in spool.archives():
            if archive.dumping:
                continue
            told = spool.crash(archive.id)
            # The kernel's %t has whole seconds.
            recent = archive.time >= death.time - 1_000_000_000
            if told is not None and told.pid == death.pid and recent:
                return archive
        time.sleep(_POLL_SECONDS)
    raise CaptureError(
        f"no core of process {death.pid} arrived in {spool.directory}",
        remedy="`coresnap doctor`, and the kernel's log, may tell why.",
    )


def _find_core(directory: Path, backend: CaptureBackend) -> Path:
    cores = [path for path in directory.iterdir() if _is_elf_core(path)]
    if cores:
        return cores[0]
    status = backend.status()
    settings = ", ".join(f"{n} = {v}" for n, v in status.settings.items())
    raise CaptureError(
        f"{status.owner} left no core in {directory}: {settings}",
        remedy="`coresnap doctor` may tell why. As root, catch-test needs no file.",
    )


def _is_elf_core(path: Path) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as stream:
        head = stream.read(18)
        # e_type, ET_CORE, in either byte order (System V gABI, ELF header).
        return head[:4] == b"\x7fELF" and head[16:18] in (b"\4\0", b"\0\4")
    return False


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _silent(sentence: str, **facts: object) -> None:
    """Say nothing: the steps are reported."""
