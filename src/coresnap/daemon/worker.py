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
from collections.abc import Callable
from typing import Any, NoReturn

import attrs

from coresnap.backends.base import CaptureBackend
from coresnap.config import Config
from coresnap.daemon.additions import ask_command
from coresnap.daemon.child import (
    become_owner,
    describe_bug,
    how_it_ended,
    shed_inheritance,
)
from coresnap.daemon.fetch_broker import start_broker
from coresnap.daemon.job import Job
from coresnap.errors import CoresnapError, NoSpaceError, WorkerError

__all__ = ["Analyse", "Outcome", "Verdict", "Worker"]

OUTPUT_LIMIT = 1 << 30
"""Bytes that a snapshot may have."""
_DESCRIPTOR_LIMIT = 1024
_TASK_LIMIT = 256
"""Processes and threads of the user that a worker becomes: its own are few."""
_MAPPED_FILES = 4 << 30
"""Address space for the executable and libraries that analysis maps."""
_REPORT_LIMIT = 1 << 20


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
        self._broker = start_broker(job.debuginfod, owner)
        if self._broker is not None:
            job = attrs.evolve(job, fetcher=self._broker.worker_end)
        try:
            self._report, writer = os.pipe()
            self.pid = os.fork()
        except OSError as error:
            self._end_broker()
            raise WorkerError(f"cannot start a worker: {error.strerror}") from error
        if self.pid == 0:
            _run_child(job, (output, writer), config, backend, analyse, owner)
        os.close(writer)
        if self._broker is not None:
            self._broker.give_away()

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
        self._end_broker()
        return self._judge(self._said, status)

    def _end_broker(self) -> None:
        if self._broker is not None:
            self._broker.end()
            self._broker = None

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
    number = -os.waitstatus_to_exitcode(status)
    if number == signal.SIGXCPU:
        return f"ran into worker.cpu ({config.worker_cpu} s)"
    if number == signal.SIGXFSZ:
        return f"the snapshot grew beyond {OUTPUT_LIMIT} bytes"
    return f"the worker {how_it_ended(status)}"


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
        lent = [fd for fd in (job.plain, job.fetcher) if fd is not None]
        gc.disable()  # a short life: what is found is kept until the end anyway
        shed_inheritance((*descriptors, *lent))
        alone = become_owner(owner)
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
        return {"verdict": Verdict.BROKE, "reason": describe_bug(error)}


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
