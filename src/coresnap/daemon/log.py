"""The log of daemon and server: a line of text or of JSON, or fields of the journal."""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

import structlog

from coresnap.daemon.journald import Journald, fields_of, is_stderr
from coresnap.daemon.printable import printable

__all__ = ["Log", "Logger", "make_logger"]


Log = Callable[..., object]
"""Called with a sentence and facts, as ``Logger.info`` is."""


class Logger(Protocol):
    """What the daemon needs of a logger."""

    def info(self, event: str, **facts: object) -> Any:  # noqa: ANN401 - structlog's
        """Say what happened."""

    def warning(self, event: str, **facts: object) -> Any:  # noqa: ANN401
        """Say what somebody should look at."""

    def error(self, event: str, **facts: object) -> Any:  # noqa: ANN401
        """Say what failed."""


def make_logger(*, json: bool, syslog: bool, name: str = "coresnapd") -> Logger:
    """Return a logger to standard error, or to syslog for a detached daemon.

    Where standard error is systemd's journal, and nobody wants JSON there, messages go
    to it with their facts as fields, in the name of ``name``.
    """
    processors: list[Any] = [structlog.processors.add_log_level]
    to_journal = is_stderr() and not (json or syslog)
    if json:
        processors += [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
    else:
        processors.append(_entry if to_journal else _sentence)
    output: Any = Journald(name) if to_journal else structlog.WriteLogger(sys.stderr)
    if syslog:
        output = _open_syslog()
    logger: Logger = structlog.wrap_logger(
        output, processors=processors, cache_logger_on_first_use=False
    )
    return logger


def _sentence(logger: object, name: str, event: MutableMapping[str, Any]) -> str:
    """Render the sentence alone: facts are in it, or for JSON."""
    text = _with_remedy(event)
    # Names that a process chose must not start a line of their own.
    return printable(text if name == "info" else f"{name}: {text}")


def _entry(
    logger: object, name: str, event: MutableMapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Make the fields of an entry in systemd's journal."""
    facts = {k: v for k, v in event.items() if k not in ("event", "level")}
    return {"fields": fields_of(event["level"], _with_remedy(event), facts)}


def _with_remedy(event: MutableMapping[str, Any]) -> str:
    text, remedy = str(event["event"]), event.get("remedy")
    return f"{text} ({remedy})" if remedy else text


def _open_syslog() -> _SyslogLogger:
    import syslog

    syslog.openlog("coresnapd", syslog.LOG_PID, syslog.LOG_DAEMON)
    return _SyslogLogger()


class _SyslogLogger:
    def _send(self, priority: int, message: str) -> None:
        import syslog

        syslog.syslog(priority, message)

    def info(self, message: str) -> None:
        self._send(6, message)

    def warning(self, message: str) -> None:
        self._send(4, message)

    def error(self, message: str) -> None:
        self._send(3, message)
