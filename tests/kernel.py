"""Real crashes under the real kernel: core_pattern borrowed, and always given back.

core_pattern is one for the whole machine, so whoever changes it holds an exclusive
lock on LOCK_FILE for as long as it is changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import attrs

LOCK_FILE = Path("/run/lock/coresnap-core-pattern.lock")
SYSCTL = Path("/proc/sys")
CORE_PATTERN = SYSCTL / "kernel/core_pattern"
CORE_PIPE_LIMIT = SYSCTL / "kernel/core_pipe_limit"
SUID_DUMPABLE = SYSCTL / "fs/suid_dumpable"
HELPER = "coresnap: "
PATTERN_LIMIT = 127
"""Longest pattern in bytes: CORENAME_MAX_SIZE is 128 with its NUL."""


def why_no_linux() -> str | None:
    """Say why what only Linux has is not here, or None."""
    return None if Path("/proc/self/status").exists() else "not a Linux kernel"


def why_no_core_pattern() -> str | None:
    """Say why this machine's core_pattern cannot be changed by us, or None."""
    if not CORE_PATTERN.exists():
        return "no /proc/sys/kernel/core_pattern: not a Linux kernel"
    try:
        with CORE_PATTERN.open("r+"):
            return None
    except OSError as problem:
        return f"core_pattern is not writable: {problem.strerror}"


@contextlib.contextmanager
def core_pattern(
    pattern: str,
    *,
    pipe_limit: int = 0,
    suid_dumpable: int = 2,
    also: Mapping[Path, str] | None = None,
) -> Iterator[None]:
    """Hold the machine's core_pattern, and put back what was there.

    ``also`` are further files below /proc/sys to set for as long.

    Not reentrant: the lock would wait for itself.
    """
    if len(os.fsencode(pattern)) > PATTERN_LIMIT:
        raise ValueError(f"core_pattern longer than {PATTERN_LIMIT} bytes: {pattern}")
    wanted = {
        **(also or {}),
        CORE_PIPE_LIMIT: str(pipe_limit),
        SUID_DUMPABLE: str(suid_dumpable),
        CORE_PATTERN: pattern,
    }
    with _locked() as lock:
        _remember({str(path): _read(path) for path in wanted}, lock)
        try:
            for path, value in wanted.items():
                _write(path, value)
            yield
        finally:
            _restore(lock)


@contextlib.contextmanager
def core_pattern_left_alone() -> Iterator[None]:
    """Let nobody take the cores: neither another test's handler is told of what dies
    here, nor has this one to wait until that has read it.

    Where there is no core_pattern nobody changes it.
    """
    if not CORE_PATTERN.exists():
        yield
        return
    with _locked():
        yield


@contextlib.contextmanager
def _locked() -> Iterator[IO[str]]:
    """Hold the lock; what one who was killed had changed is as it was."""
    LOCK_FILE.parent.mkdir(parents=True, exist_ok=True)
    with LOCK_FILE.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _restore(lock)
        yield lock


def _remember(before: dict[str, str], lock: IO[str]) -> None:
    """Note in the locked file what was there, for when we are killed."""
    lock.write(json.dumps(before))
    lock.flush()


def _restore(lock: IO[str]) -> None:
    """Put back what the locked file remembers: ours, or that of one who was killed."""
    lock.seek(0)
    if text := lock.read():
        for path, value in reversed(json.loads(text).items()):
            _write(Path(path), value)
    lock.truncate(0)


def _read(path: Path) -> str:
    return path.read_text().removesuffix("\n")


def _write(path: Path, value: str) -> None:
    path.write_text(value)
    # Since Linux 6.17 an invalid pattern is accepted, and only read back changed.
    if _read(path) != value:
        raise OSError(f"{path} does not keep {value!r}")


@attrs.define
class KernelLog:
    """What the helpers say in the kernel's log from now on."""

    _fd: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(self._fd, 0, os.SEEK_END)

    def __enter__(self) -> KernelLog:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def said(self) -> list[str]:
        """Return what was said since the last call, without the helper's name.

        As in /dev/kmsg, what is not printable is written ``\\xHH``.
        """
        lines: list[str] = []
        while True:
            try:
                record = os.read(self._fd, 8192).decode()
            except BlockingIOError:
                return lines
            except BrokenPipeError:
                continue  # overwritten before it was read; the next ones are there
            text = record.partition(";")[2].partition("\n")[0]
            if text.startswith(HELPER):
                lines.append(text.removeprefix(HELPER))


def open_pidfd(pid: int) -> int:
    """Call ``os.pidfd_open``, which type checkers know on Linux only."""
    return int(vars(os)["pidfd_open"](pid))


def run_unlimited(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that may dump a core of any size, and wait for its end.

    ``returncode`` is minus the signal, as in subprocess; the pid of the crashed
    process is not kept, because the name of the core carries it.
    """
    return subprocess.run(
        ["/bin/sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *map(str, argv)],
        cwd=cwd,
        env=env,
        timeout=timeout,
        capture_output=True,
        check=False,
    )


def kernel_core(
    argv: Sequence[str | Path],
    directory: Path,
    *,
    env: dict[str, str] | None = None,
    timeout: float = 60,
) -> Path:
    """Let a program crash, and return the core file that the kernel wrote.

    The core is ``directory/core.PID``. Whatever else crashes on the machine meanwhile
    leaves one too, with its own pid.
    """
    with core_pattern(f"{directory}/core.%P"):
        run = run_unlimited(
            ["/bin/sh", "-c", 'echo $$ >pid; exec "$@"', "sh", *argv],
            cwd=directory,
            env=env,
            timeout=timeout,
        )
    core = directory / f"core.{(directory / 'pid').read_text().strip()}"
    if not core.exists():
        raise AssertionError(
            f"{argv[0]} left no core, exit {run.returncode}: {run.stderr!r}"
        )
    return core
