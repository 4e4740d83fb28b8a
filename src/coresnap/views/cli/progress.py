"""What takes so long, told on a terminal once it does."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

__all__ = ["Progress"]

_PATIENCE_SECONDS = 0.7
_CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Shows the current step on standard error, if that is a terminal.

    Call it with the name of each step that begins; silent until patience ran out.
    """

    def __init__(self) -> None:
        self._step = ""
        self._shown = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(_PATIENCE_SECONDS, self._begin)
        self._timer.daemon = True

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._shown:
                self._write(_CLEAR_LINE)
            self._shown = False

    def __call__(self, step: str) -> None:
        """Say that ``step`` begins."""
        with self._lock:
            self._step = step
            if self._shown:
                self._write(f"{_CLEAR_LINE}{step}…")

    def _begin(self) -> None:
        with self._lock:
            self._shown = True
            self._write(f"{_CLEAR_LINE}{self._step}…")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
