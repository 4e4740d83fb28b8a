"""Why is there no core? The part that is the same on every system."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from coresnap.backends.base import Finding, Level
from coresnap.collect.archive import check_space
from coresnap.collect.journal import State, is_locked, read_entries
from coresnap.collect.spool import Part, Spool
from coresnap.config import Config
from coresnap.errors import AccessError, MissingError, NoSpaceError, StorageError

__all__ = ["diagnose"]

_INSTALL = "Run `coresnap install` as root."


def diagnose(config: Config) -> tuple[Finding, ...]:
    """Check spool, space, daemon and journal."""
    return (
        *_check_spool(config),
        _check_space(config),
        _check_daemon(config),
        *_check_journal(config),
    )


def _check_spool(config: Config) -> Iterator[Finding]:
    try:
        with Spool(config.spool) as spool:
            intruders = spool.intruders()
    except MissingError as error:
        yield Finding("spool", Level.FAIL, str(error), error.remedy)
        return
    except AccessError:
        yield Finding(
            "spool",
            Level.WARN,
            f"{config.spool} may not be looked at by this user",
            "Run `coresnap doctor` as root.",
        )
        return
    except StorageError as error:
        yield Finding("spool", Level.FAIL, str(error), _INSTALL)
        return
    yield from _check_modes(config)
    if intruders:
        message = f"not ours in the spool: {', '.join(intruders[:5])}"
        yield Finding("spool-content", Level.WARN, message, "Look, and remove it.")


def _check_modes(config: Config) -> Iterator[Finding]:
    bad = [
        f"{path} {reason}"
        for part in Part
        if (reason := _mode_problem(path := config.spool / part))
    ]
    if bad:
        yield Finding("spool", Level.FAIL, "; ".join(bad), _INSTALL)
    else:
        yield Finding("spool", Level.OK, f"{config.spool} is private")


def _mode_problem(path: Path) -> str:
    mode = path.stat().st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"is open to others (mode {stat.S_IMODE(mode):o})"
    return ""


def _check_space(config: Config) -> Finding:
    place = config.spool
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        check_space(place, config.dump_quota)
    except NoSpaceError as error:
        return Finding("space", Level.FAIL, str(error), error.remedy)
    except OSError as error:
        message = f"cannot ask for the space at {place}: {error.strerror}"
        return Finding("space", Level.WARN, message, "Run `coresnap doctor` as root.")
    free = os.statvfs(place)
    size = free.f_bavail * free.f_frsize / 1e9
    message = f"{size:.1f} GB free at {place}, more than the {config.dump_quota} % kept"
    return Finding("space", Level.OK, message)


def _check_daemon(config: Config) -> Finding:
    try:
        pid = is_locked(config.journal)
    except AccessError:
        message = "whether the daemon runs may not be looked at by this user"
        return Finding("daemon", Level.WARN, message, "Run `coresnap doctor` as root.")
    if pid is not None:
        return Finding("daemon", Level.OK, f"coresnapd runs as process {pid}")
    return Finding(
        "daemon",
        Level.WARN,
        "coresnapd does not run: cores are kept and not analysed",
        "Start the service, or run `coresnap daemon --foreground`.",
    )


def _check_journal(config: Config) -> Iterator[Finding]:
    try:
        entries = read_entries(config.journal).values()
    except (MissingError, AccessError):
        return
    except StorageError as error:
        remedy = "The daemon puts a damaged journal aside when it starts."
        yield Finding("journal", Level.WARN, str(error), remedy)
        return
    failed = [entry for entry in entries if entry.state is State.FAILED]
    if not failed:
        yield Finding("journal", Level.OK, f"{len(entries)} crashes, none given up")
        return
    last = max(failed, key=lambda entry: entry.changed)
    message = f"{len(failed)} of {len(entries)} crashes were given up; the last: "
    message += str(last.detail.get("reason", "?"))
    yield Finding("journal", Level.WARN, message, f"coresnap retry pending/{last.id}")
