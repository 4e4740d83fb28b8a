"""A file that an export fills page by page, and goes on with after an interruption.

Until all has come, ``NAME.part`` has the lines, and ``NAME.part.json`` says how many
bytes of it count and which page comes next. Lines come onto the disk before they count;
what was written behind them is cut off by the export that goes on.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

import msgspec

from coresnap.errors import UsageError
from coresnap.store.query.query import Query

__all__ = ["ExportFile"]


class _Step(msgspec.Struct, frozen=True):
    """How far an export is."""

    asked: str
    """By which words it was begun."""
    query: Query
    """For the next page."""
    size: int = 0
    """Bytes that count."""
    faults: int = 0
    """Lines in them, without a heading."""


class ExportFile:
    """The unfinished file; closing it leaves it to be gone on with.

    Every method raises OSError.
    """

    def __init__(self, path: Path, asked: str, query: Query) -> None:
        """Begin an export with ``query``, or find the one that ``asked`` began.

        Raises UsageError if other words began it, or another process writes it.
        """
        self.path = path
        self._part = path.with_name(f"{path.name}.part")
        self._step_path = path.with_name(f"{path.name}.part.json")
        # What a process was told may be secret.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        self._stream = os.fdopen(os.open(self._part, flags, 0o600), "r+b")
        try:
            self._lock()
            self._step = self._found(asked) or _Step(asked, query)
            self._stream.truncate(self._step.size)
            self._stream.seek(self._step.size)
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> ExportFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.close()

    @property
    def query(self) -> Query:
        """What is to be asked next."""
        return self._step.query

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written yet, not even a heading."""
        return self._step.size == 0

    @property
    def faults(self) -> int:
        """How many are in the file."""
        return self._step.faults

    def add(self, text: str, faults: int, following: Query | None) -> None:
        """Keep a page durably; ``following`` asks for the next one, None for none."""
        self._stream.write(text.encode())
        self._stream.flush()
        os.fsync(self._stream.fileno())
        size, count = self._stream.tell(), self._step.faults + faults
        self._step = _Step(self._step.asked, following or self._step.query, size, count)
        if following is not None:
            self._write_step()
            return
        self._part.replace(self.path)
        self._step_path.unlink(missing_ok=True)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"another export writes {self.path}") from error

    def _found(self, asked: str) -> _Step | None:
        try:
            step = msgspec.json.decode(self._step_path.read_bytes(), type=_Step)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        if os.fstat(self._stream.fileno()).st_size < step.size:
            return None  # of a file that is whole by now
        if step.asked != asked:
            raise UsageError(
                f"{self._part} was begun by an export with other options",
                remedy=f"Give the same ones, or remove {self._part}.",
            )
        return step

    def _write_step(self) -> None:
        new = self._step_path.with_suffix(".new")
        with open(new, "wb", opener=_private) as file:
            file.write(msgspec.json.encode(self._step))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._step_path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
