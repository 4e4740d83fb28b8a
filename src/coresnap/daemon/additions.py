"""What the configuration adds to a snapshot: a project, and attributes of a command.

The command is the administrator's, run as the worker's user before the worker gives up
what a program needs to run; its time, memory, output and files are limited. It gets
the name of the crashed executable, which anybody may have chosen, as its only argument
and never through a shell.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import stat
import subprocess
import time
from pathlib import Path

import attrs

from coresnap.config import Config, Route
from coresnap.config.environment import ALLOWED_VARIABLES
from coresnap.config.routes import project_of
from coresnap.config.settings import SETTINGS
from coresnap.crash import Archive, Crash

__all__ = ["Additions", "additions_for", "ask_command", "choose_project"]

SECONDS = 5.0
"""How long the command may take."""
OUTPUT_LIMIT = 64 * 1024
"""Bytes that it may print, or write into a file."""
MEMORY_LIMIT = 1 << 30
"""Address space of each of its processes."""
DESCRIPTOR_LIMIT = 256
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_DEFAULT = next(Path(s.default) for s in SETTINGS if s.name == "defaults.command")


@attrs.frozen
class Additions:
    """What is to be added to one snapshot, and where it comes from."""

    application: str = ""
    """Base name of the executable."""
    executable: str = ""
    """Its path; empty if it is not known."""
    project: str | None = None
    """What the application's section says."""
    routes: tuple[Route, ...] = ()
    variables: tuple[str, ...] = ()
    """Environment variables of the process that hold attributes."""
    allowed: tuple[str, ...] = ALLOWED_VARIABLES
    """Environment variables that may be kept."""
    command: Path | None = None
    output: bytes = b""
    """What the command printed."""
    problem: str = ""
    """Why it printed nothing of use."""


def additions_for(archive: Archive, config: Config) -> Additions:
    """Return what ``config`` adds to the snapshot of an archive."""
    command = config.defaults_command
    if command == _DEFAULT and not command.exists():
        command = None
    policy = config.policy_for(archive.executable)
    return Additions(
        application=archive.application,
        executable=archive.executable,
        project=policy.project,
        routes=config.routes,
        variables=config.attributes_environ,
        allowed=policy.environ_allow,
        command=command,
    )


def choose_project(additions: Additions, crash: Crash | None) -> str | None:
    """Return the project of a crash: its application's, else its first route's."""
    if additions.project is not None:
        return additions.project
    values = {"e": additions.application, "E": additions.executable}
    if crash is not None:
        values |= {"h": crash.hostname or "", "s": str(crash.signal)}
        values |= {"u": str(crash.uid)} if crash.uid is not None else {}
    return project_of(additions.routes, values)


# --- the command ----------------------------------------------------------------


def ask_command(additions: Additions) -> Additions:
    """Run the command, if there is one, and return the additions with what it printed.

    What it prints is not used if it fails or takes too long, and the problem is said.
    """
    command = additions.command
    if command is None:
        return additions
    if problem := _why_distrusted(command):
        return attrs.evolve(additions, problem=problem)
    try:
        output, problem = _run(command, additions.application)
    except OSError as error:
        return attrs.evolve(additions, problem=f"cannot be run: {error.strerror}")
    if problem:
        return attrs.evolve(additions, problem=problem)
    return attrs.evolve(additions, output=output)


def _why_distrusted(command: Path) -> str:
    # Whoever can change it reads every core, as the worker can.
    try:
        status = os.stat(command)
        target = command.resolve()
        places = dict.fromkeys((target, *target.parents, *command.parents))
        changeable = any(_is_changeable(place.stat()) for place in places)
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    if not stat.S_ISREG(status.st_mode):
        return "is not run: it is no file"
    return "is not run: others than root may change it" if changeable else ""


def _is_changeable(status: os.stat_result) -> bool:
    writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    # In a sticky directory only an entry's owner can replace it.
    is_sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    return status.st_uid != 0 or bool(writable and not is_sticky)


def _run(command: Path, application: str) -> tuple[bytes, str]:
    name = application.encode("utf-8", "replace").replace(b"\0", b"?")
    process = subprocess.Popen(
        [os.fsencode(command), name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_ENVIRONMENT,
        start_new_session=True,
        preexec_fn=_limit,
    )
    assert process.stdout is not None
    deadline = time.monotonic() + SECONDS
    try:
        output, in_time = _read(process.stdout.fileno(), deadline)
        is_too_much = len(output) > OUTPUT_LIMIT
        in_time = in_time and (is_too_much or _has_ended(process.pid, deadline))
    finally:
        _end(process)
    if not in_time:
        return b"", f"did not end within {SECONDS:.0f} s"
    if is_too_much:
        return b"", f"printed more than {OUTPUT_LIMIT} bytes"
    return output, f"ended with {process.returncode}" if process.returncode else ""


def _limit() -> None:
    """Set the command's limits: between its fork and its start."""
    limits = {
        # Pipes to a handler ignore a limit of 0; with 1 the kernel dumps nothing, so
        # that a command that crashes cannot keep us busy with itself (fs/coredump.c).
        resource.RLIMIT_CORE: 1,
        resource.RLIMIT_CPU: int(SECONDS) + 1,
        resource.RLIMIT_AS: MEMORY_LIMIT,
        resource.RLIMIT_FSIZE: OUTPUT_LIMIT,
        resource.RLIMIT_NOFILE: DESCRIPTOR_LIMIT,
    }
    for number, wanted in limits.items():
        _, hard = resource.getrlimit(number)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(number, (value, value))


def _read(fd: int, deadline: float) -> tuple[bytes, bool]:
    """Return what was printed, a little more than the limit at most, and if in time."""
    output = b""
    while len(output) <= OUTPUT_LIMIT:
        left = max(0.0, deadline - time.monotonic())
        if not select.select([fd], [], [], left)[0]:
            return output, False
        piece = os.read(fd, OUTPUT_LIMIT)
        if not piece:
            break
        output += piece
    return output, True


def _has_ended(pid: int, deadline: float) -> bool:
    """Wait for a child, and leave it unreaped: so nobody else gets its number."""
    options = os.WEXITED | os.WNOWAIT | os.WNOHANG
    while os.waitid(os.P_PID, pid, options) is None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.005)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it started, as far as that stayed in its session."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
