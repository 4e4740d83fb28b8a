"""Transactions that threads share, so that they share what a commit costs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, cast

from sqlalchemy import Connection, exc

from coresnap.store.state.failures import is_passing, meaning_of

__all__ = ["Sharing"]

T = TypeVar("T")

_MOST = 64
"""Works in one transaction: more would make the others wait longer than a commit."""


class _Transact(Protocol):
    def __call__(self, work: Callable[[Connection], None], /) -> None: ...


class _Part(Generic[T]):
    """One thread's work, and how it ended."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.is_done = False
        self.value: T | None = None
        self.error: Exception | None = None

    def do(self, connection: Connection) -> None:
        """Do it in a savepoint, and keep what it fails with."""
        try:
            with connection.begin_nested():
                self.value = self.work(connection)
        except exc.SQLAlchemyError as error:
            # The others can be done without it, unless the transaction is lost.
            if is_passing(error) or not connection.in_transaction():
                raise
            self.error = meaning_of(error)
        except Exception as error:
            self.error = error

    def result(self) -> T:
        if self.error is not None:
            raise self.error
        return cast("T", self.value)


class Sharing:
    """While one thread commits, the works of others gather for the next commit."""

    def __init__(self, transact: _Transact) -> None:
        self._transact = transact
        self._turn = threading.Lock()
        self._waiting: deque[_Part[Any]] = deque()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` returns, after the commit; raise what it raises."""
        part = _Part(work)
        self._waiting.append(part)
        with self._turn:
            while not part.is_done:
                self._commit_some()
        return part.result()

    def _commit_some(self) -> None:
        count = min(len(self._waiting), _MOST)
        parts = [self._waiting.popleft() for _ in range(count)]

        def plainly(connection: Connection) -> None:
            for part in parts:
                part.value = part.work(connection)

        def with_savepoints(connection: Connection) -> None:
            for part in parts:
                part.value, part.error = None, None
                part.do(connection)

        try:
            # Savepoints cost a third of the whole, and hardly ever fails one.
            self._transact(plainly)
        except Exception as first:
            self._again(parts, first, with_savepoints)
        finally:
            for part in parts:
                part.is_done = True

    def _again(
        self,
        parts: list[_Part[Any]],
        first: Exception,
        with_savepoints: Callable[[Connection], None],
    ) -> None:
        """Find out whose fault it was that nothing was done."""
        try:
            if len(parts) == 1:
                raise first
            self._transact(with_savepoints)
        except Exception as error:
            for part in parts:
                part.error = error
