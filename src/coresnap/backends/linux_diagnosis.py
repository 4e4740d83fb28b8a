"""Why is there no core on this Linux? One function per reason."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from coresnap.backends.archive_files import owner_ids
from coresnap.backends.base import Finding, Level
from coresnap.backends.core_pattern import owner_of, pattern_for, socket_of
from coresnap.backends.handler_settings import handler_settings, keep_places
from coresnap.backends.linux_door import is_served
from coresnap.backends.linux_files import check_trusted, is_compiled
from coresnap.backends.linux_sysctl import (
    CORE_PATTERN,
    CORE_PIPE_LIMIT,
    SUID_DUMPABLE,
    Sysctl,
)
from coresnap.backends.process import describe
from coresnap.config import Config
from coresnap.errors import CaptureError, CoresnapError

__all__ = ["check_installation", "diagnose"]

_REINSTALL = "Run `coresnap install` as root."


def diagnose(config: Config, sysctl: Sysctl, pid: int | None) -> tuple[Finding, ...]:
    """Check everything; ``pid`` adds the limits of one process."""
    pattern = sysctl.read(CORE_PATTERN)
    installed = owner_of(pattern, config.handler, config.door_socket) == "coresnap"
    findings = [check_owner(config, sysctl)]
    if installed:
        findings += check_installation(config, sysctl)
    findings += [check_user(config), check_features(sysctl)]
    findings.append(check_limit(pid if pid is not None else os.getpid(), installed))
    return tuple(findings)


def check_owner(config: Config, sysctl: Sysctl) -> Finding:
    """Who gets the cores?"""
    pattern = sysctl.read(CORE_PATTERN)
    owner = owner_of(pattern, config.handler, config.door_socket)
    if owner == "coresnap":
        where = socket_of(pattern) or config.handler
        return Finding("core-pattern", Level.OK, f"crashes come to {where}")
    if owner == "the kernel":
        what = f"the kernel writes cores itself, as {pattern!r}"
        if not pattern:
            what = "core_pattern is empty, so the kernel writes no cores"
        return Finding("core-pattern", Level.FAIL, what, _REINSTALL)
    return Finding(
        "core-pattern",
        Level.FAIL,
        f"{owner} gets the crashes: core_pattern is {pattern!r}",
        "Turn it off, then run `coresnap install`; or `coresnap install --replace`.",
    )


def check_installation(config: Config, sysctl: Sysctl) -> list[Finding]:
    """Is what we installed still whole?"""
    return [
        _check_door(config, sysctl),
        _check_pattern(config, sysctl),
        _check_handler(config),
        _check_handler_program(config),
        _check_handler_settings(config),
        _check_pipe_limit(sysctl),
        _check_set_id(sysctl),
    ]


def _check_door(config: Config, sysctl: Sysctl) -> Finding:
    pattern = sysctl.read(CORE_PATTERN)
    if (path := socket_of(pattern)) is not None:
        if is_served(pattern):
            message = f"the socket {path} is served"
            return Finding("door", Level.OK, message)
        message = f"core_pattern is {pattern!r} and nothing listens: crashes are lost"
        remedy = "Start coresnapd again, or run `coresnap install`, as root."
        return Finding("door", Level.FAIL, message, remedy)
    if config.door == "socket" and "socket" not in sysctl.read("kernel.core_modes"):
        message = "door = socket, but this kernel can only start a handler: the pipe"
        return Finding("door", Level.WARN, message, "Set door = auto.")
    return Finding("door", Level.OK, "crashes come through the pipe")


def _check_pattern(config: Config, sysctl: Sysctl) -> Finding:
    pattern = sysctl.read(CORE_PATTERN)
    if socket_of(pattern) is not None:
        message = "the socket's server takes no arguments of the kernel"
        return Finding("handler-arguments", Level.OK, message)
    plain = pattern_for(
        config.handler,
        config.handler_settings,
        default_settings=Path("/var/coresnap/catch.conf"),
        pidfd="%F" in pattern,
    )
    if pattern == plain:
        return Finding("handler-arguments", Level.OK, "the handler's arguments fit")
    message = f"core_pattern is {pattern!r}, this version writes {plain!r}"
    return Finding("handler-arguments", Level.WARN, message, _REINSTALL)


def _check_handler(config: Config) -> Finding:
    path = config.handler
    try:
        status = path.lstat()
        check_trusted(path)
    except FileNotFoundError:
        return Finding("handler", Level.FAIL, f"{path} is missing", _REINSTALL)
    except (OSError, CaptureError) as error:
        remedy = getattr(error, "remedy", "")
        return Finding("handler", Level.FAIL, str(error), remedy)
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & stat.S_IXUSR:
        message = f"{path} is not an executable file"
        return Finding("handler", Level.FAIL, message, _REINSTALL)
    return Finding("handler", Level.OK, f"{path} is there and only root can change it")


def _check_handler_program(config: Config) -> Finding:
    try:
        compiled = is_compiled(config.handler)
    except OSError as error:
        message = f"cannot read {config.handler}: {error.strerror}"
        return Finding("handler-program", Level.WARN, message, _REINSTALL)
    if compiled:
        return Finding("handler-program", Level.OK, "the handler is the compiled one")
    return Finding(
        "handler-program",
        Level.WARN,
        "the handler is the one in Python: it takes whole cores, and knows no limits "
        "of storms, no budget and no rules of applications",
        "Install a C compiler, build coresnap again, and run `coresnap install`.",
    )


def _check_handler_settings(config: Config) -> Finding:
    path = config.handler_settings
    try:
        status = path.lstat()
    except OSError as error:
        message = f"the handler's settings {path}: {error.strerror}"
        return Finding("handler-settings", Level.FAIL, message, _REINSTALL)
    if status.st_uid != 0 or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = f"{path} can be changed by others than root"
        return Finding("handler-settings", Level.FAIL, message, _REINSTALL)
    owner = owner_ids(config.user)
    text = path.read_text("utf-8", "surrogateescape")
    staying = keep_places(handler_settings(config, owner or (-1, -1)), text)[1]
    if staying:
        message = f"{path} has another {', '.join(staying)} than the configuration"
        remedy = f"{_REINSTALL[:-1]}, and restart coresnapd."
        return Finding("handler-settings", Level.WARN, message, remedy)
    if owner is not None and text != handler_settings(config, owner):
        message = f"{path} is older than the configuration"
        remedy = "Run `coresnap config reload` as root."
        return Finding("handler-settings", Level.WARN, message, remedy)
    return Finding("handler-settings", Level.OK, f"{path} is root's, and up to date")


def _check_pipe_limit(sysctl: Sysctl) -> Finding:
    value = sysctl.read(CORE_PIPE_LIMIT)
    if value and value != "0":
        message = f"the kernel waits for the handler, {value} crashes at once"
        return Finding("core-pipe-limit", Level.OK, message)
    return Finding(
        "core-pipe-limit",
        Level.WARN,
        f"{CORE_PIPE_LIMIT} is {value or 'missing'}: /proc of a crashed process may be "
        "gone before the handler reads it",
        _REINSTALL,
    )


def _check_set_id(sysctl: Sysctl) -> Finding:
    value = sysctl.read(SUID_DUMPABLE)
    if value == "2":
        return Finding("set-id", Level.OK, "set-id programs dump, for root only")
    what = "do not dump" if value == "0" else "dump with their user's rights"
    message = f"set-id programs {what} ({SUID_DUMPABLE} is {value})"
    return Finding("set-id", Level.WARN, message, _REINSTALL)


def check_user(config: Config) -> Finding:
    """Does the user exist that owns the archive?"""
    if owner_ids(config.user) is None:
        message = f"there is no user {config.user}"
        return Finding("user", Level.FAIL, message, _REINSTALL)
    return Finding("user", Level.OK, f"the user {config.user} exists")


def check_features(sysctl: Sysctl) -> Finding:
    """What does this kernel offer?"""
    if not sysctl.path(CORE_PATTERN).exists():
        return Finding(
            "kernel",
            Level.FAIL,
            "this kernel writes no cores (no kernel.core_pattern)",
            "Build it with CONFIG_COREDUMP.",
        )
    modes = sysctl.read("kernel.core_modes").split()
    release = os.uname().release
    if modes:
        message = f"Linux {release}: {', '.join(modes)}; processes proven by pidfd"
        return Finding("kernel", Level.OK, message)
    message = f"Linux {release} does not prove a process's identity to the handler"
    return Finding("kernel", Level.OK, f"{message} (%F is in 6.16 and later)")


def check_limit(pid: int, installed: bool) -> Finding:
    """Does RLIMIT_CORE of a process, or of this shell, allow a core?"""
    try:
        process = describe(pid)
    except CoresnapError as error:
        return Finding("core-limit", Level.WARN, str(error), error.remedy)
    whose = f"{process.command} ({pid})" if pid != os.getpid() else "this shell"
    limit = process.core_limit
    text = "unlimited" if limit is None else f"{limit} bytes"
    if limit == 1:
        message = f"RLIMIT_CORE of {whose} is 1: the kernel starts no handler for it"
        return Finding("core-limit", Level.FAIL, message, "ulimit -c unlimited")
    if installed or limit is None or limit > 1:
        level = Level.OK
        if limit == 0:
            text += ", which does not hold back a handler"
        return Finding("core-limit", level, f"RLIMIT_CORE of {whose} is {text}")
    message = f"RLIMIT_CORE of {whose} is 0: the kernel writes no core file"
    return Finding("core-limit", Level.FAIL, message, "ulimit -c unlimited")
