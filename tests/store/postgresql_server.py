"""A PostgreSQL of our own: a cluster in a private directory, gone after the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs

__all__ = ["PostgresqlServer", "running_postgresql", "why_no_postgresql"]

_USERS = ("postgres", "nobody")
"""The server refuses to run as root."""
_SETTINGS = {
    "listen_addresses": "",  # a socket in its directory, no port to collide on
    "fsync": "off",  # nobody pulls the plug in these tests
    "max_connections": "120",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


def _programs() -> Path | None:
    """Return the directory of the newest server's programs; Debian has no link."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def why_no_postgresql() -> str | None:
    """Say why there can be no server here; None if there can."""
    if _programs() is None:
        return "no PostgreSQL server is installed"
    if os.geteuid() == 0 and _unprivileged() is None:
        return (
            f"root may not run PostgreSQL, and there is no user {' or '.join(_USERS)}"
        )
    return None


def _unprivileged() -> pwd.struct_passwd | None:
    for name in _USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


@attrs.frozen
class PostgresqlServer:
    """A server that runs."""

    directory: Path
    user: pwd.struct_passwd | None
    """Whom it runs as; None: us."""

    def url(self, database: str) -> str:
        """Return what State takes."""
        return f"postgresql://coroner@/{database}?host={self.directory}"

    def create(self, database: str, *, template: str = "template0") -> str:
        """Create a database as a copy of another, and return its URL."""
        self._administer(f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever still uses it."""
        self._administer(f"DROP DATABASE {database} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        """Run what psql could, without a process: it is done for each test."""
        import psycopg

        where = f"host={self.directory} user=coroner dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement, and return what it prints."""
        where = ["-h", str(self.directory), "-U", "coroner", "-d", database]
        return self._run("psql", "-qAtX", *where, "-c", statement)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())
        socket = f"-c unix_socket_directories={self.directory}"
        log = str(self.directory / "log")
        self._control("start", "-l", log, "-o", f"{options} {socket}")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it as if it crashed, or ``fast``, as a restart does."""
        self._control("stop", "-m", mode)

    def _control(self, what: str, *options: str) -> None:
        data = str(self.directory / "data")
        self._run("pg_ctl", what, "-w", "-s", "-D", data, *options)

    def _run(self, program: str, *arguments: str) -> str:
        programs = _programs()
        assert programs is not None
        user = self.user
        ran = subprocess.run(
            [str(programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # A file: the server keeps what pg_ctl gave it.
            stderr=subprocess.STDOUT if program != "pg_ctl" else subprocess.DEVNULL,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            cwd=self.directory,
            check=False,
            timeout=60,
            text=True,
        )
        assert ran.returncode == 0, f"{program}: {ran.stdout}"
        return ran.stdout


@contextlib.contextmanager
def running_postgresql() -> Iterator[PostgresqlServer]:
    """Give a new, empty server until the end of the block."""
    user = _unprivileged() if os.geteuid() == 0 else None
    # Not below pytest's directory: that is closed to other users.
    with tempfile.TemporaryDirectory(prefix="coresnap-postgresql-") as name:
        directory = Path(name)
        if user is not None:
            os.chown(directory, user.pw_uid, user.pw_gid)
        server = PostgresqlServer(directory, user)
        data = str(directory / "data")
        server._run(
            *("initdb", "-D", data, "-U", "coroner", "-A", "trust"),
            *("-E", "UTF8", "--locale=C", "--no-sync"),
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
