"""The disposable child that analyses one core.

A core is bytes that an attacker may have chosen, so it is read by a child without
privileges, without network, with limits on memory, time, files and output; its death
is a result. It writes the snapshot into a file that has no name yet, and says how it
went through a pipe; the parent alone gives the file its name.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

from coresnap.backends.base import CaptureBackend
from coresnap.collect.temporary_file import storage_error
from coresnap.config import Config
from coresnap.daemon.additions import Additions, ask_command, choose_project
from coresnap.errors import CoresnapError, NoSpaceError, WorkerError

if TYPE_CHECKING:
    from coresnap.analysis.session import KeptFile
    from coresnap.model import Snapshot

__all__ = [
    "Analyse",
    "Job",
    "Outcome",
    "Verdict",
    "Worker",
    "analyse_core",
    "with_plain_core",
]

OUTPUT_LIMIT = 1 << 30
"""Bytes that a snapshot may have."""
_DESCRIPTOR_LIMIT = 1024
_TASK_LIMIT = 256
"""Processes and threads of the user that a worker becomes: its own are few."""
_MAPPED_FILES = 4 << 30
"""Address space for the executable and libraries that analysis maps."""
_REPORT_LIMIT = 1 << 20


@attrs.frozen
class Job:
    """What a worker is to analyse."""

    id: str
    core: Path
    """Nothing is there if ``is_record``."""
    core_size: int
    """Apparent bytes; 0 without a core."""
    assets: Path | None
    sysroot: Path | None
    debug_directories: tuple[Path, ...]
    is_record: bool = False
    """The core was never kept: the assets are all that there is."""
    additions: Additions = attrs.field(factory=Additions)
    """What the configuration adds to the snapshot."""
    plain: int | None = None
    """An empty file for the plain core; None if ``core`` is plain already."""
    output_limit: int | None = None
    """Bytes that the output may have; None for as many as a snapshot may."""


Analyse = Callable[[Job, int], dict[str, Any]]
"""Writes the snapshot of a job to a descriptor and returns facts for the journal."""


class Verdict:
    """How a worker ended: a snapshot, a failure for good, or one worth another try."""

    DONE = "done"
    HOPELESS = "hopeless"
    """The same would happen again: the bytes make no sense."""
    BROKE = "broke"
    """It died, ran into a limit, or failed in a way that is our bug."""
    NO_ROOM = "no-room"
    """The disk is full: not the core's fault."""


@attrs.frozen
class Outcome:
    """What came of one worker."""

    verdict: str
    """One of ``Verdict``."""
    reason: str = ""
    """Why there is no snapshot; empty if there is one."""
    facts: dict[str, Any] = attrs.field(factory=dict)
    """What the analysis said for the journal."""
    confinement: tuple[str, ...] = ()
    """What the worker could take from itself."""
    seconds: float = 0


def analyse_core(job: Job, output: int) -> dict[str, Any]:
    """Analyse a core, or the record of one, with the notes of failed checks."""
    from coresnap.collect.checks import capture_notes, run_checks
    from coresnap.model import Note
    from coresnap.snapshot.container import write_snapshot

    job = with_plain_core(job)
    members, problems = _read_assets(job.assets)
    if job.is_record:
        failed = tuple(capture_notes(members))
    else:
        failed = run_checks(job.core, members)
    snapshot = _analyze(job, members)
    notes = (*failed, *(Note("assets", text) for text in problems))
    snapshot = attrs.evolve(snapshot, notes=snapshot.notes + notes)
    snapshot = _add(snapshot, job.additions, members)
    size = write_snapshot(snapshot, output)
    return {
        "size": size,
        "core_size": job.core_size,
        "fingerprint": snapshot.fingerprint,
        "quality": snapshot.quality,
        "truncated": snapshot.truncated,
        "checks": [note.step for note in failed],
        "rung": snapshot.attributes.get("capture.rung"),
        "parked": snapshot.attributes.get("capture.parked"),
        "project": snapshot.attributes.get("coresnap.project"),
    }


def with_plain_core(job: Job) -> Job:
    """Restore a core that was compressed since it was analysed first."""
    from coresnap.collect.stored_core import open_stored, write_pieces

    if job.plain is None:
        return job
    try:
        with job.core.open("rb") as stream:
            write_pieces(open_stored(stream.fileno()), job.plain, lambda done: None)
    except OSError as error:
        raise storage_error(f"cannot restore {job.core}", error) from error
    return attrs.evolve(job, core=Path(f"/dev/fd/{job.plain}"))


def _analyze(job: Job, members: dict[str, bytes]) -> Snapshot:
    from coresnap.analysis.session import analyze, analyze_record

    if job.is_record:
        return analyze_record(members)
    with _kept_files(job.assets) as kept:
        return analyze(
            job.core,
            sysroot=job.sysroot,
            debug_directories=job.debug_directories,
            assets=members,
            kept=kept,
        )


@contextlib.contextmanager
def _kept_files(assets: Path | None) -> Iterator[tuple[KeptFile, ...]]:
    from coresnap.analysis.session import KeptFile
    from coresnap.collect.kept_modules import kept_modules

    with contextlib.ExitStack() as held:
        found: tuple[KeptFile, ...] = ()
        # That it cannot be read, and why, is said by who reads its other members.
        with contextlib.suppress(OSError):
            if assets is not None:
                tar = held.enter_context(assets.open("rb"))
                modules = held.enter_context(kept_modules(tar.fileno()))
                found = tuple(
                    KeptFile(Path(m.place), f"assets:{m.member}", m.path)
                    for m in modules
                )
        yield found


def _add(
    snapshot: Snapshot, additions: Additions, members: dict[str, bytes]
) -> Snapshot:
    from coresnap.analysis.annotations import Given, annotate, from_environment
    from coresnap.backends import crash_record
    from coresnap.errors import InputError
    from coresnap.model import Note

    crash = None
    with contextlib.suppress(InputError):
        crash = crash_record.decode(members.get(crash_record.NAME, b""))
    sources = list(
        from_environment(members.get("process/environ", b""), additions.variables)
    )
    if additions.command is not None:
        # The administrator's word counts before the process's.
        label = f"defaults.command {additions.command}"
        sources.insert(0, Given("command", label, additions.output))
        if additions.problem:
            note = Note("attributes", f"{label} {additions.problem}")
            snapshot = attrs.evolve(snapshot, notes=(*snapshot.notes, note))
    return annotate(snapshot, sources, choose_project(additions, crash))


def _read_assets(path: Path | None) -> tuple[dict[str, bytes], tuple[str, ...]]:
    from coresnap.collect.assets import read_assets
    from coresnap.errors import InputError

    if path is None:
        return {}, ()
    try:
        with path.open("rb") as stream:
            assets = read_assets(stream.fileno())
    except (InputError, OSError) as error:
        return {}, (str(error),)
    return assets.members, assets.problems


def preload() -> None:
    """Import what workers need, once, while the files are sure to be readable."""
    import coresnap.analysis.analyze
    import coresnap.analysis.annotations
    import coresnap.analysis.record
    import coresnap.analysis.session
    import coresnap.collect.assets
    import coresnap.collect.checks
    import coresnap.collect.compression
    import coresnap.collect.kept_modules
    import coresnap.snapshot.container  # noqa: F401


class Worker:
    """A running child; ``fileno`` becomes readable when it says something or ends."""

    def __init__(
        self,
        job: Job,
        output: int,
        config: Config,
        backend: CaptureBackend,
        analyse: Analyse,
        owner: tuple[int, int] | None,
    ) -> None:
        """Fork. ``output`` is the snapshot's file; ``owner`` is who to become.

        Raises WorkerError if the system has no room for another process.
        """
        self.job = job
        self.started = time.monotonic()
        self.deadline = self.started + config.worker_time
        self._killed = ""
        self._said = b""
        self._config = config
        try:
            self._report, writer = os.pipe()
            self.pid = os.fork()
        except OSError as error:
            raise WorkerError(f"cannot start a worker: {error.strerror}") from error
        if self.pid == 0:
            _run_child(job, (output, writer), config, backend, analyse, owner)
        os.close(writer)

    def fileno(self) -> int:
        """Return the pipe's end; what came is taken by ``has_ended``."""
        return self._report

    def has_ended(self) -> bool:
        """Take what the child has said, without waiting; say whether that was all."""
        while len(self._said) < _REPORT_LIMIT:
            if not select.select([self._report], [], [], 0)[0]:
                return False
            piece = os.read(self._report, 65536)
            if not piece:
                return True
            self._said += piece
        return True

    def kill(self, reason: str) -> None:
        """End the child; ``reason`` becomes the outcome's."""
        self._killed = reason
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Outcome:
        """Wait until the child has ended, at the latest at its deadline."""
        while not self.has_ended():
            left = max(0.0, self.deadline - time.monotonic())
            if not select.select([self._report], [], [], left)[0]:
                self.kill(f"ran into worker.time ({self._config.worker_time} s)")
                break
        os.close(self._report)
        _, status = os.waitpid(self.pid, 0)
        return self._judge(self._said, status)

    def _judge(self, report: bytes, status: int) -> Outcome:
        seconds = time.monotonic() - self.started
        said = _decode(report)
        confinement = tuple(map(str, said.get("confinement", ())))
        if os.waitstatus_to_exitcode(status) == 0 and said.get("verdict"):
            return Outcome(
                verdict=str(said["verdict"]),
                reason=str(said.get("reason", "")),
                facts=said.get("facts", {}),
                confinement=confinement,
                seconds=seconds,
            )
        reason = self._killed or _cause_of_death(status, self._config)
        return Outcome(Verdict.BROKE, reason, confinement=confinement, seconds=seconds)


def _decode(report: bytes) -> dict[str, Any]:
    """Join the lines of a report; what was said first holds."""
    joined: dict[str, Any] = {}
    for line in report.splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            said = json.loads(line)
            joined = said | joined if isinstance(said, dict) else joined
    return joined


def _cause_of_death(status: int, config: Config) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"the worker left with exit code {code}"
    number = -code
    if number == signal.SIGXCPU:
        return f"ran into worker.cpu ({config.worker_cpu} s)"
    if number == signal.SIGXFSZ:
        return f"the snapshot grew beyond {OUTPUT_LIMIT} bytes"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"the worker died of {name}"


# --- in the child ---------------------------------------------------------------


def _run_child(
    job: Job,
    descriptors: tuple[int, int],
    config: Config,
    backend: CaptureBackend,
    analyse: Analyse,
    owner: tuple[int, int] | None,
) -> NoReturn:
    # Nothing may return into the parent's program, whatever happens here.
    try:
        output, report = descriptors
        keep = descriptors if job.plain is None else (*descriptors, job.plain)
        gc.disable()  # a short life: what is found is kept until the end anyway
        _reset(keep)
        alone = _become(owner)
        job = attrs.evolve(job, additions=ask_command(job.additions))
        _limit(config, job, alone=alone)
        confinement = backend.confine()
        # Said first, so that it is known also of a worker that gets killed.
        _write_report(report, {"confinement": confinement})
        _write_report(report, _try(lambda: analyse(job, output)))
        os._exit(0)
    finally:
        os._exit(WorkerError.exit_code)


def _write_report(fd: int, said: dict[str, Any]) -> None:
    view = memoryview(json.dumps(said).encode()[:_REPORT_LIMIT] + b"\n")
    while view:
        view = view[os.write(fd, view) :]


def _try(analyse: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    # The one place that catches everything: what a hostile core provokes here must
    # reach the journal as a sentence, and the process ends right after.
    try:
        return {"verdict": Verdict.DONE, "facts": analyse()}
    except NoSpaceError as error:
        return {"verdict": Verdict.NO_ROOM, "reason": str(error)}
    except CoresnapError as error:
        return {"verdict": Verdict.HOPELESS, "reason": str(error)}
    except MemoryError:
        return {"verdict": Verdict.BROKE, "reason": "ran into worker.memory"}
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        reason = f"{type(error).__name__}: {error} ({where})"
        return {"verdict": Verdict.BROKE, "reason": reason}


def _reset(keep: Sequence[int]) -> None:
    """Drop everything of the parent's but the standard three and ``keep``."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    # Python ignores it; here it is a limit that has to end us.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    begin = 3
    for fd in sorted(keep):
        os.closerange(begin, fd)
        begin = fd + 1
    os.closerange(begin, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)


def _become(owner: tuple[int, int] | None) -> bool:
    """Become the owner for good; False if we stay who we are."""
    # A command run by root has only lent its effective ids to the owner.
    if owner is None or 0 not in os.getresuid():
        return False
    uid, gid = owner
    os.seteuid(0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    return True


def _largest_file(job: Job) -> int:
    # A plain core that is restored is a file too, as large as it says.
    output = OUTPUT_LIMIT if job.output_limit is None else job.output_limit
    return max(output, job.core_size if job.plain is not None else 0)


def _limit(config: Config, job: Job, *, alone: bool) -> None:
    """Set the limits; ``alone`` says that the user runs nothing but us."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_CPU: config.worker_cpu,
        resource.RLIMIT_FSIZE: _largest_file(job),
        resource.RLIMIT_NOFILE: _DESCRIPTOR_LIMIT,
        # The core is mapped, which is address space and not memory; what analysis
        # allocates is held by RLIMIT_DATA (private writable pages, Linux 4.7).
        resource.RLIMIT_AS: config.worker_memory + job.core_size + _MAPPED_FILES,
        resource.RLIMIT_DATA: config.worker_memory,
    }
    if alone:
        limits[resource.RLIMIT_NPROC] = _TASK_LIMIT
    for number, wanted in limits.items():
        _, hard = resource.getrlimit(number)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        # SIGXCPU comes at the soft limit; a second later there is no appeal.
        ceiling = value + 1 if number == resource.RLIMIT_CPU else value
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(number, (value, ceiling))
