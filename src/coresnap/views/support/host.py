"""What the system says: kernel, limits, services, packages, log.

Nothing here reads a process's command line or environment. Programs are asked with few
variables of ours, for a bounded time, and what is not there is said not to be.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from coresnap.views.support.piece import Context

__all__ = ["kernel_text", "log_text", "packages_text", "units_text"]

_SECONDS = 15
_LINES = "3000"
_KERNEL_FILES = (
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/core_pipe_limit",
    "/proc/sys/kernel/core_uses_pid",
    "/proc/sys/fs/suid_dumpable",
    "/proc/sys/kernel/yama/ptrace_scope",
    "/proc/sys/kernel/unprivileged_userns_clone",
    "/proc/self/limits",
    "/proc/self/coredump_filter",
    "/proc/mounts",
    "/proc/meminfo",
    "/sys/kernel/security/lsm",
    "/etc/os-release",
)
_UNITS = (
    *("coresnapd.service", "coresnap-capture.service", "coroner.service"),
    *("systemd-coredump.socket", "apport.service", "abrtd.service"),
)
_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainCode,NRestarts,"
    "MainPID,MemoryCurrent,TasksCurrent,FragmentPath,DropInPaths,UnitFileState,"
    "ActiveEnterTimestamp,InactiveEnterTimestamp"
)
_LOGS = ("/var/log/daemon.log", "/var/log/syslog", "/var/log/messages")
_TAIL = 1 << 20


def kernel_text(context: Context) -> str:
    """Return the kernel, its settings for cores, limits, and mounts."""
    lines = [" ".join(os.uname())]
    for name in _KERNEL_FILES:
        try:
            text = Path(name).read_text(errors="replace")
        except OSError as error:
            text = f"({error.strerror})"
        lines += [f"--- {name}", text.rstrip("\n")]
    return "\n".join([*lines, ""])


def packages_text(context: Context) -> str:
    """Return versions: Python's, its packages', and those of the system's packages."""
    lines = [
        f"python {sys.version}".replace("\n", " "),
        f"executable {sys.executable}",
        f"libc {' '.join(platform.libc_ver())}",
        f"sqlite {sqlite3.sqlite_version}",
        *sorted(f"{d.name} {d.version}" for d in importlib.metadata.distributions()),
    ]
    for words in (
        ["dpkg-query", "-W", "coresnap", "coroner-server", "libdw1", "systemd"],
        ["rpm", "-q", "coresnap", "coroner-server", "elfutils-libs", "systemd"],
        ["pkg", "query", "%n %v", "coresnap", "elfutils"],
    ):
        lines += [f"--- {' '.join(words)}", asked(words)]
    return "\n".join([*lines, ""])


def units_text(context: Context) -> str:
    """Return the state of units, ours and those of other handlers."""
    words = ["systemctl", "show", "--no-pager", f"--property={_PROPERTIES}", *_UNITS]
    return asked(words) + "\n"


def log_text(context: Context) -> str:
    """Return what the log has of us: systemd's, else the files of syslog."""
    journal = ["journalctl", "--no-pager", "--output=short-iso", "--lines", _LINES]
    units = [f"--unit={unit}" for unit in _UNITS[:3]]
    parts = [
        "--- journalctl",
        asked([*journal, *units, "--identifier=coresnapd"]),
        "--- journalctl --dmesg",
        asked([*journal, "--dmesg", "--grep=coresnap"]),
    ]
    for path in _LOGS:
        parts += [f"--- {path}", *_lines_of_ours(path)]
    return "\n".join([*parts, ""])


def _lines_of_ours(path: str) -> Iterator[str]:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            text = file.read(_TAIL).decode(errors="replace")
    except OSError as error:
        yield f"({error.strerror})"
        return
    yield from (line for line in text.splitlines() if "coresnap" in line)


def asked(words: Sequence[str]) -> str:
    """Return what a program prints, or why it does not."""
    program = shutil.which(words[0])
    if program is None:
        return f"({words[0]} is not there)"
    try:
        run = subprocess.run(
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"({type(error).__name__} after at most {_SECONDS} s)"
    return run.stdout.decode(errors="replace").rstrip("\n")
