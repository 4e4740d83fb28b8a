"""``coresnap config reload``: changed settings reach handler and daemon."""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import attrs

from coresnap.errors import AccessError, UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.output import emit

__all__ = ["reload_settings"]


@attrs.frozen
class _Reloaded:
    """Whom the settings of ``source`` have reached."""

    source: Path | None
    handler: Path | None
    """The handler's own file; None if nothing is installed."""
    staying: tuple[str, ...]
    """Names of settings that only ``coresnap install`` changes."""
    daemon: int | None
    """Process id of who has the journal; None if no daemon runs. It may be a command
    that does the daemon's work for a moment, and is deaf to this."""


def reload_settings(arguments: argparse.Namespace) -> int:
    """Give the handler its settings, then let the daemon read its own.

    A file with a mistake changes neither: ``load_config`` raises before that.
    """
    from coresnap.backends import select
    from coresnap.collect.journal import is_locked
    from coresnap.config import load_config

    if arguments.names or arguments.application is not None or arguments.defaults:
        raise UsageError("`coresnap config reload` takes no file, key or application")
    config = load_config(arguments.config)
    staying = select(config).refresh()
    pid = is_locked(config.journal)
    if pid:
        _ask(pid)
    handler = config.handler_settings if config.handler_settings.exists() else None
    result = _Reloaded(config.source, handler, staying, pid)
    if arguments.json:
        emit(json.dumps(_as_json(result)) + "\n")
    else:
        emit("".join(_lines(result)))
    return 0


def _ask(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        return  # it has just ended; the next one reads the file when it starts
    except PermissionError as error:
        raise AccessError(f"may not send a signal to the daemon, {pid}") from error


def _lines(result: _Reloaded) -> Iterator[str]:
    if result.handler is None:
        yield "no handler is installed that would read settings\n"
    else:
        yield f"the handler has its settings: {printable(str(result.handler))}\n"
    for name in result.staying:
        yield f"  {name} stays as it was installed: run `coresnap install`\n"
    if result.daemon is None:
        yield "no daemon runs\n"
    else:
        yield f"the daemon, process {result.daemon}, is told to read them again\n"


def _as_json(result: _Reloaded) -> dict[str, object]:
    return {
        "source": str(result.source) if result.source is not None else None,
        "handler": str(result.handler) if result.handler is not None else None,
        "staying": list(result.staying),
        "daemon": result.daemon,
    }
