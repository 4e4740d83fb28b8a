"""Does the worker's confinement hold? A worker that tries what an attacker would.

Every act is tried by a worker of its own, made exactly as one that analyses a core, so
what is reported is what the kernel answered and not what was asked of it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from coresnap.backends.base import CaptureBackend, Finding, Level
from coresnap.config import Config
from coresnap.daemon.job import Job
from coresnap.daemon.worker import Outcome, Verdict, Worker
from coresnap.errors import WorkerError

__all__ = ["ACTS", "Trial", "check_confinement", "try_acts"]

_SECONDS = 10
_TRACE_ME = 0  # PTRACE_TRACEME of Linux, PT_TRACE_ME of FreeBSD


def _write_a_file() -> None:
    descriptor, path = tempfile.mkstemp()
    os.close(descriptor)
    os.unlink(path)


def _use_the_network() -> None:
    # To connect, for FreeBSD's capability mode does not mind a socket without an end.
    # A datagram socket sends nothing for that.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.connect(("127.0.0.1", 9))


def _use_local_sockets() -> None:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).close()


def _start_a_process() -> None:
    if os.fork() == 0:
        os._exit(0)


def _run_a_program() -> None:
    os.execv("/bin/sh", ["/bin/sh", "-c", "exit 0"])


def _trace_a_process() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_TRACE_ME, 0, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")


def _signal_the_daemon() -> None:
    os.kill(os.getppid(), 0)


ACTS: Mapping[str, Callable[[], None]] = {
    "write a file": _write_a_file,
    "use the network": _use_the_network,
    "use local sockets": _use_local_sockets,
    "start a process": _start_a_process,
    "run a program": _run_a_program,
    "trace a process": _trace_a_process,
    "signal the daemon": _signal_the_daemon,
}
"""What no analysis needs, by what a person calls it."""


@attrs.frozen
class Trial:
    """What came of all acts."""

    possible: tuple[str, ...]
    """Acts that succeeded."""
    confinement: tuple[str, ...]
    """What the workers said they could take from themselves."""


def check_confinement(config: Config, backend: CaptureBackend) -> Finding:
    """Report what a worker can still do."""
    try:
        trial = try_acts(config, backend, _owner(config))
    except WorkerError as error:
        return Finding("worker-confinement", Level.FAIL, str(error), error.remedy)
    active = ", ".join(trial.confinement) or "nothing"
    if not trial.possible:
        message = f"a worker cannot {_listed(tuple(ACTS))}; active: {active}"
        return Finding("worker-confinement", Level.OK, message)
    message = f"a worker can {_listed(trial.possible)}; active: {active}"
    remedy = "Run a kernel with seccomp and Landlock, or analyse on another machine."
    return Finding("worker-confinement", Level.WARN, message, remedy)


def _owner(config: Config) -> tuple[int, int] | None:
    """Who a daemon that was started as root lets its workers become."""
    try:
        entry = pwd.getpwnam(config.user)
    except KeyError:
        return None
    return (entry.pw_uid, entry.pw_gid) if os.geteuid() == 0 else None


def _listed(acts: tuple[str, ...]) -> str:
    *most, last = acts
    return f"{', '.join(most)} or {last}" if most else last


def try_acts(
    config: Config, backend: CaptureBackend, owner: tuple[int, int] | None
) -> Trial:
    """Try every act in a worker of its own, which becomes ``owner``.

    Raises WorkerError if none can start.
    """
    patient = attrs.evolve(config, worker_time=_SECONDS)
    outcomes = {
        name: _outcome(act, patient, backend, owner) for name, act in ACTS.items()
    }
    possible = (name for name, found in outcomes.items() if _succeeded(found))
    said = (found.confinement for found in outcomes.values())
    return Trial(tuple(possible), max(said, key=len))


def _outcome(
    act: Callable[[], None],
    config: Config,
    backend: CaptureBackend,
    owner: tuple[int, int] | None,
) -> Outcome:
    def attempt(job: Job, output: int) -> dict[str, Any]:
        act()
        return {}

    with tempfile.TemporaryFile() as output:
        job = Job("", Path(os.devnull), 0, None, None, ())
        return Worker(job, output.fileno(), config, backend, attempt, owner).wait()


def _succeeded(outcome: Outcome) -> bool:
    # A program that was started in the worker's place ends well and reports nothing.
    return outcome.verdict == Verdict.DONE or "exit code 0" in outcome.reason
