"""Why is there no core on this FreeBSD? One function per reason."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

from coresnap.backends.archive_files import owner_ids
from coresnap.backends.base import Finding, Level
from coresnap.backends.freebsd_devd import is_served
from coresnap.backends.freebsd_drops import LocalBox
from coresnap.backends.freebsd_installation import (
    DIRECTORY_MODE,
    owner_of,
)
from coresnap.backends.freebsd_process import FreeBSDProcess, describe, read_process
from coresnap.backends.freebsd_sysctl import (
    COREDUMP,
    COREDUMP_DEVCTL,
    COREFILE,
    FreeBSDKernel,
)
from coresnap.config import Config
from coresnap.errors import CoresnapError

__all__ = ["check_installation", "diagnose"]

_REINSTALL = "Run `coresnap install` as root."
_UCORE = Path("/dev/ucore")
_EVENT_LIMIT = 1016  # DEVCTL_BUFFER - 8 (sys/kern/subr_bus.c)
_EVENT_WORDS = len('!system=kernel subsystem=signal type=coredump comm="" core=""\n')
_EVENT_NUMBERS = len(" jid=4294967295 pid=99999 ppid=99999 signo=126")
_NAME_LIMIT = len("99999.4294967295.126.") + 19 + len(".core.zst")
_SHORTEST_PATH = 256
_SHOWN = 5


def diagnose(
    config: Config, kernel: FreeBSDKernel, devd: Path, pid: int | None
) -> tuple[Finding, ...]:
    """Check everything; ``pid`` adds what holds for one process."""
    installed = owner_of(kernel.read(COREFILE), config.drop_directory) == "coresnap"
    findings = [_check_owner(config, kernel), _check_ucored()]
    if installed:
        findings += check_installation(config, kernel)
        findings += [_check_devd(devd), _check_event_length(config)]
        findings += _check_content(config, kernel)
        findings.append(_check_jails(config, kernel))
    else:
        findings.append(_check_coredump(kernel))
    findings += [
        _check_set_id(kernel),
        _check_capability_mode(kernel),
        _check_log(kernel),
        _check_compression(kernel),
        _check_nodump(kernel),
        _check_user(config),
    ]
    findings += _check_shell() if pid is None else _check_process(kernel, pid)
    return tuple(findings)


def _ok(check: str, message: str) -> Finding:
    return Finding(check, Level.OK, message)


def _warn(check: str, message: str, remedy: str) -> Finding:
    return Finding(check, Level.WARN, message, remedy)


def _fail(check: str, message: str, remedy: str) -> Finding:
    return Finding(check, Level.FAIL, message, remedy)


# --- the installation -----------------------------------------------------------


def _check_owner(config: Config, kernel: FreeBSDKernel) -> Finding:
    pattern = kernel.read(COREFILE)
    owner = owner_of(pattern, config.drop_directory)
    if owner == "coresnap":
        return _ok("corefile", f"cores come to {config.drop_directory}")
    if owner == "the kernel":
        what = f"cores go elsewhere: {COREFILE} is {pattern!r}"
        return _fail("corefile", what, _REINSTALL)
    return _fail(
        "corefile",
        f"{owner} gets the crashes: {COREFILE} is {pattern!r}",
        "Turn it off, then run `coresnap install`; or `coresnap install --replace`.",
    )


def _check_ucored() -> Finding:
    if _UCORE.exists():
        return _warn(
            "ucored",
            f"{_UCORE} is there: ucoredev(4) may take cores before the kernel writes "
            "them, and then none comes here",
            "Unload ucoredev, or let ucored(8) leave its cores where `coresnap import "
            "--watch` looks.",
        )
    return _ok("ucored", "no kernel module takes cores before they are written")


def check_installation(config: Config, kernel: FreeBSDKernel) -> list[Finding]:
    """Is what we installed still whole?"""
    return [
        _check_coredump(kernel),
        _check_devctl(kernel),
        _check_directory(config.drop_directory),
    ]


def _check_coredump(kernel: FreeBSDKernel) -> Finding:
    if kernel.read(COREDUMP) == "0":
        what = f"{COREDUMP} is 0: no process leaves a core"
        return _fail("coredump", what, f"sysctl {COREDUMP}=1")
    return _ok("coredump", "the kernel writes cores")


def _check_devctl(kernel: FreeBSDKernel) -> Finding:
    value = kernel.read(COREDUMP_DEVCTL)
    if value == "1":
        return _ok("coredump-devctl", "the kernel tells devd of each core")
    what = f"{COREDUMP_DEVCTL} is {value or 'missing'}: cores are found late, by a look"
    return _warn("coredump-devctl", what, _REINSTALL)


def _check_directory(directory: Path) -> Finding:
    try:
        status = directory.lstat()
        room = os.statvfs(directory)
    except OSError as error:
        what = f"the drop directory {directory}: {error.strerror}"
        return _fail("drop-directory", what, _REINSTALL)
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISDIR(status.st_mode):
        return _fail("drop-directory", f"{directory} is no directory", _REINSTALL)
    if mode != DIRECTORY_MODE or status.st_uid != 0:
        what = f"{directory} has mode {mode:o} and owner {status.st_uid}, not 1733, 0"
        return _fail("drop-directory", what, _REINSTALL)
    for place in directory.parents:
        if not place.stat().st_mode & stat.S_IXOTH:
            what = f"{place} is closed to others, who so cannot reach {directory}"
            return _fail("drop-directory", what, f"chmod o+x {place}")
    if not room.f_bavail:
        what = f"no block is free for others than root at {directory}"
        return _fail("drop-directory", what, "Free space.")
    return _ok("drop-directory", f"everybody's cores fit into {directory}")


def _check_devd(devd: Path) -> Finding:
    if is_served(devd):
        return _ok("devd", f"devd repeats events on {devd}")
    what = f"nobody serves {devd}: cores are found late, by a look"
    return _warn("devd", what, "service devd start")


def _check_event_length(config: Config) -> Finding:
    directory = os.fsencode(config.drop_directory)
    taken = _EVENT_WORDS + _EVENT_NUMBERS + len(directory) + 1 + _NAME_LIMIT
    left = _EVENT_LIMIT - taken
    what = f"events fit for programs whose path has at most {max(left, 0)} bytes"
    if left >= _SHORTEST_PATH:
        return _ok("event-length", f"{what}; longer ones are found by looking")
    return _warn(
        "event-length",
        f"{what}: {config.drop_directory} is long, and the kernel drops longer events",
        "Set [archive] root to a shorter path, and run `coresnap install`.",
    )


def _check_content(config: Config, kernel: FreeBSDKernel) -> Iterator[Finding]:
    try:
        files = LocalBox(kernel, config.drop_directory).files()
    except PermissionError:
        what = f"{config.drop_directory} may not be looked at by this user"
        yield _warn("drop-content", what, "Run `coresnap doctor` as root.")
        return
    except OSError:
        return  # _check_directory says why
    planted = [file for file in files if file.is_planted]
    empty = [file for file in files if not file.size and not file.is_planted]
    if planted:
        names = ", ".join(file.path for file in planted[:_SHOWN])
        what = f"the kernel did not write {names}: left alone"
        yield _warn("drop-content", what, "Look who owns it, and remove it.")
    if empty:
        what = f"{len(empty)} cores are empty: RLIMIT_CORE was smaller, or no room"
        yield _warn("drop-empty", what, "ulimit -c unlimited")
    if not planted and not empty:
        yield _ok("drop-content", f"{len(files)} cores wait in the drop directory")


def _check_jails(config: Config, kernel: FreeBSDKernel) -> Finding:
    without = [
        f"{jid} ({root})"
        for jid, root in sorted(kernel.jails().items())
        if root != "/" and not _has_directory(root, config.drop_directory)
    ]
    if not without:
        return _ok("jails", "each jail that runs has a drop directory")
    listed = ", ".join(without[:_SHOWN])
    return _warn(
        "jails",
        f"{len(without)} jails have no {config.drop_directory}, so no cores: {listed}",
        f"In each: mkdir -p {config.drop_directory.parent} && "
        f"install -d -m 1733 {config.drop_directory}",
    )


def _has_directory(root: str, directory: Path) -> bool:
    place = Path(f"{root}{directory}")
    try:
        status = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_IWOTH)


# --- the kernel's other settings ------------------------------------------------


def _check_set_id(kernel: FreeBSDKernel) -> Finding:
    if kernel.read("kern.sugid_coredump") == "1":
        return _ok("set-id", "processes that changed their user leave cores, for it")
    return _warn(
        "set-id",
        "kern.sugid_coredump is 0: set-id programs leave no core, and neither do "
        "daemons that were root and gave it up",
        "sysctl kern.sugid_coredump=1, if their user may read what they hold.",
    )


def _check_capability_mode(kernel: FreeBSDKernel) -> Finding:
    value = kernel.read("kern.capmode_coredump")
    if value in ("1", None):
        return _ok("capability-mode", "processes in capability mode leave cores")
    what = "kern.capmode_coredump is 0: processes in capability mode leave no core"
    return _warn("capability-mode", what, "sysctl kern.capmode_coredump=1")


def _check_log(kernel: FreeBSDKernel) -> Finding:
    if kernel.read("kern.logsigexit") == "0":
        what = "kern.logsigexit is 0: the kernel does not log which process died"
        return _warn("log", what, "sysctl kern.logsigexit=1")
    return _ok("log", "the kernel logs which process died, and whether it left a core")


def _check_compression(kernel: FreeBSDKernel) -> Finding:
    value = kernel.read("kern.compress_user_cores")
    how = {"1": "with gzip", "2": "with zstd"}.get(value or "0")
    what = f"the kernel compresses cores {how}" if how else "cores are written plain"
    return _ok("compression", what)


def _check_nodump(kernel: FreeBSDKernel) -> Finding:
    if kernel.read("kern.nodump_coredump") == "1":
        return _ok("nodump", "cores have the flag nodump until they are taken")
    return _ok("nodump", "cores have no flag nodump")


def _check_user(config: Config) -> Finding:
    if owner_ids(config.user) is None:
        return _fail("user", f"there is no user {config.user}", _REINSTALL)
    return _ok("user", f"the user {config.user} exists")


# --- one process ----------------------------------------------------------------


def _check_shell() -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_CORE)
    limit = None if soft == resource.RLIM_INFINITY else soft
    yield _check_limit("this shell", limit)


def _check_process(kernel: FreeBSDKernel, pid: int) -> Iterator[Finding]:
    try:
        process = read_process(kernel, pid)
        limit = describe(kernel, pid).core_limit
    except CoresnapError as error:
        remedy = error.remedy or "Look with `ps -ax` which processes there are."
        yield _warn("process", str(error), remedy)
        return
    whose = f"{process.command} ({pid})"
    yield _check_limit(whose, limit)
    yield from _check_flags(process, whose, kernel)


def _check_flags(
    process: FreeBSDProcess, whose: str, kernel: FreeBSDKernel
) -> Iterator[Finding]:
    if process.has_changed_ids and kernel.read("kern.sugid_coredump") != "1":
        what = f"{whose} is set-id, or has changed its user: it leaves no core"
        yield _fail("process-set-id", what, "sysctl kern.sugid_coredump=1")
    if process.is_traceless:
        what = f"{whose} forbade to trace it (procctl), and a core with that"
        yield _fail("process-trace", what, "proccontrol -m trace -s enable -p PID")
    capmode = kernel.read("kern.capmode_coredump")
    if process.is_in_capability_mode and capmode == "0":
        what = f"{whose} is in capability mode: it leaves no core"
        yield _fail("process-capability", what, "sysctl kern.capmode_coredump=1")
    if process.jid:
        what = f"{whose} is in jail {process.jid}: its core is written inside"
        yield _ok("process-jail", what)


def _check_limit(whose: str, limit: int | None) -> Finding:
    if limit is None:
        return _ok("core-limit", f"RLIMIT_CORE of {whose} is unlimited")
    if limit == 0:
        what = f"RLIMIT_CORE of {whose} is 0: the kernel writes no core"
        return _fail("core-limit", what, "ulimit -c unlimited")
    return _warn(
        "core-limit",
        f"RLIMIT_CORE of {whose} is {limit} bytes: a larger core leaves an empty file, "
        "and no event",
        "ulimit -c unlimited",
    )
