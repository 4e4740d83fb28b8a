"""What takes so long, told on a terminal once it does."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

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
        self._lock: threading.Lock
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            import threading  # 0.5 ms: not for who reads a file or a pipe

            self._lock = threading.Lock()
            self._timer = threading.Timer(_PATIENCE_SECONDS, self._begin)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        with self._lock:
            if self._shown:
                self._write(_CLEAR_LINE)
            self._shown = False

    def __call__(self, step: str) -> None:
        """Say that ``step`` begins."""
        if self._timer is None:
            return
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
