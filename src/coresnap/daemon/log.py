"""The daemon's log: a line of text or of JSON for each thing that happened."""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

import structlog

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


def make_logger(*, json: bool, syslog: bool) -> Logger:
    """Return a logger to standard error, or to syslog for a detached daemon."""
    processors: list[Any] = [structlog.processors.add_log_level]
    if json:
        processors += [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
    else:
        processors.append(_sentence)
    factory: Any = structlog.WriteLoggerFactory(sys.stderr)
    if syslog:
        factory = _SyslogFactory()
    logger: Logger = structlog.wrap_logger(
        factory(), processors=processors, cache_logger_on_first_use=False
    )
    return logger


def _sentence(logger: object, name: str, event: MutableMapping[str, Any]) -> str:
    """Render the sentence alone: facts are in it, or for JSON."""
    text = str(event["event"])
    if event["level"] != "info":
        text = f"{event['level']}: {text}"
    remedy = event.get("remedy")
    line = f"{text} ({remedy})" if remedy else text
    # Names that a process chose must not start a line of their own.
    return line.encode("unicode_escape").decode() if not line.isprintable() else line


class _SyslogFactory:
    def __call__(self) -> _SyslogLogger:
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
