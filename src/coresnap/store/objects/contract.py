"""What the store asks of the place where bodies are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

import attrs

__all__ = ["Objects", "Stored"]


@attrs.frozen
class Stored:
    """One object that is there."""

    key: str
    size: int
    """Bytes."""
    modified: int
    """Seconds, UTC since the epoch."""


class Objects(Protocol):
    """Bytes by key. A key has parts of ``[a-z0-9._-]``, separated by ``/``; it is made
    by the store, never by who sends something.

    Methods may be called from several threads, and raise StorageError where the place
    fails, NoSpaceError where it is full, MissingError for what is not there.
    """

    def put(self, key: str, body: BinaryIO, size: int) -> bool:
        """Keep ``size`` bytes of ``body`` durably under ``key``, all or nothing.

        Returns False, and changes nothing, if something is there already.
        """

    def replace(self, key: str, body: BinaryIO, size: int) -> None:
        """The same, in place of what is there."""

    def open(self, key: str, start: int = 0, size: int | None = None) -> BinaryIO:
        """Open a body, or ``size`` bytes of it from ``start``, for reading."""

    def stat(self, key: str) -> Stored:
        """Return what is known of one."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield all whose key begins with ``prefix``, which ends with ``/``."""

    def remove(self, key: str) -> None:
        """Remove one; one that is not there is none the less gone."""

    def close(self) -> None:
        """Let go of files and connections."""
