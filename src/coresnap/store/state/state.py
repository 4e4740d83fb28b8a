"""The state's database: SQLite in a file, or PostgreSQL by URL."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlalchemy import Connection, Engine, exc

from coresnap.store.state.dialect import (
    read_isolation,
    release_server_lock,
    try_server_lock,
)
from coresnap.store.state.engines import WRITES, make_engine
from coresnap.store.state.failures import is_passing, meaning_of
from coresnap.store.state.schema import prepare_schema
from coresnap.store.state.sharing import Sharing

__all__ = ["State"]

T = TypeVar("T")

_PATIENCE = 30.0
_FIRST_DELAY = 0.05
_LONGEST_DELAY = 2.0


class State:
    """One database, and how transactions on it begin and end.

    In SQLite one writes at a time, and nobody waits to read. In PostgreSQL several
    servers write; their transactions see what others commit while they run (READ
    COMMITTED), so what must not change meanwhile is locked.
    """

    def __init__(self, url: str, *, patience: float = _PATIENCE) -> None:
        """Take ``sqlite:///PATH`` or ``postgresql://…``; nothing is connected yet.

        A server that restarts is waited for, ``patience`` seconds long.
        Raises ConfigError for another URL.
        """
        self.engine: Engine = make_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._patience = patience
        self._one_writer: contextlib.AbstractContextManager[object] = (
            threading.Lock() if self.is_sqlite else contextlib.nullcontext()
        )
        self._kept: Connection | None = None
        self._sharing = Sharing(self.transact)
        self._busy: set[int] = set()

    def prepare(self) -> None:
        """Create or update the tables.

        Raises StorageError if they were made by a newer coresnap.
        """
        with self.write() as connection:
            prepare_schema(connection)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a transaction that may write; it is durable when this returns.

        Raises StorageError (NoSpaceError) if the database fails, ConflictError if a
        row is there already; nothing was done then.
        """
        with _translated(), self._writing() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that sees one state throughout, and cannot write."""
        with _translated(), self._reading() as connection:
            yield connection

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` in a transaction, again if others or a restart got in its way.

        It may have been done already when it is done again: a server can die after
        the commit and before it says so. Raises what ``write`` raises.
        """
        return self._until_done(self._writing, work)

    def look(self, work: Callable[[Connection], T]) -> T:
        """The same with a transaction as ``read`` begins it."""
        return self._until_done(self._reading, work)

    def _until_done(
        self,
        begin: Callable[[], contextlib.AbstractContextManager[Connection]],
        work: Callable[[Connection], T],
    ) -> T:
        pauses = _Pauses(self._patience)
        while True:
            try:
                with begin() as connection:
                    return work(connection)
            except exc.SQLAlchemyError as error:
                if not (is_passing(error) and pauses.pause()):
                    raise meaning_of(error) from error

    def share(self, work: Callable[[Connection], T]) -> T:
        """The same, in one transaction with what other threads share meanwhile.

        It costs a part of a commit. Each work succeeds or fails by itself.
        """
        return self._sharing.run(work)

    @contextlib.contextmanager
    def alone(self, project: int) -> Iterator[bool]:
        """Give True if nobody else does this project's work until the end of the block.

        False, at once, if another thread or server does. Transactions are as before.
        """
        if self.is_sqlite:
            with self._alone_here(project) as is_alone:
                yield is_alone
            return
        with _translated(), self._connected() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            is_alone = try_server_lock(connection, project)
            try:
                yield is_alone
            finally:
                if is_alone and not connection.invalidated:
                    release_server_lock(connection, project)

    @contextlib.contextmanager
    def _alone_here(self, project: int) -> Iterator[bool]:
        is_alone = project not in self._busy
        if is_alone:
            self._busy.add(project)
        try:
            yield is_alone
        finally:
            if is_alone:
                self._busy.discard(project)

    def close(self) -> None:
        """Close all connections."""
        self._let_go()
        self.engine.dispose()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._one_writer, self._writer() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def _writer(self) -> Iterator[Connection]:
        """Give a connection that may write.

        In SQLite always the same: another would have to read again every page that
        this one changed, a dozen for each fault.
        """
        if not self.is_sqlite:
            with self._connected() as connection:
                yield connection.execution_options(**{WRITES: True})
            return
        if self._kept is None:
            self._kept = self._connected().execution_options(**{WRITES: True})
        try:
            yield self._kept
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._connected() as connection:
            read_isolation(connection)
            with connection.begin():
                yield connection

    def _connected(self) -> Connection:
        pauses = _Pauses(self._patience)
        while True:
            try:
                return self.engine.connect()
            except exc.SQLAlchemyError as error:
                if not (is_passing(error) and pauses.pause()):
                    raise


class _Pauses:
    """Longer and longer ones, until patience ends."""

    def __init__(self, patience: float) -> None:
        self._end = time.monotonic() + patience
        self._delay = _FIRST_DELAY

    def pause(self) -> bool:
        """Wait a little; return False, at once, if there was waiting enough."""
        if time.monotonic() + self._delay > self._end:
            return False
        time.sleep(self._delay)
        self._delay = min(2 * self._delay, _LONGEST_DELAY)
        return True


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise meaning_of(error) from error
