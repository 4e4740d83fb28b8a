"""Where the server says what happened."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Log"]


class Log(Protocol):
    """Where the server says what happened."""

    def info(self, event: str, **facts: object) -> Any:  # noqa: ANN401 - structlog's
        """Say what happened."""

    def warning(self, event: str, **facts: object) -> Any:  # noqa: ANN401
        """Say what somebody should look at."""

    def error(self, event: str, **facts: object) -> Any:  # noqa: ANN401
        """Say what failed."""
