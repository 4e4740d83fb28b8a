"""ClickHouse's HTTP interface over its engine in this process (chdb)."""

from __future__ import annotations

import contextlib
import http.server
import re
import tempfile
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

__all__ = ["ClickHouseServer", "running_clickhouse"]

USER, PASSWORD = "coroner", "geheim/&"


@attrs.frozen
class ClickHouseServer:
    """A server, as a client sees it."""

    port: int
    session: Any
    lock: threading.Lock

    def url(self, database: str) -> str:
        """Make a database; return its URL."""
        with self.lock:
            self.session.query(f"CREATE DATABASE `{database}`")
        password = PASSWORD.replace("/", "%2F").replace("&", "%26")
        return f"clickhouse://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def drop(self, database: str) -> None:
        """Remove a database."""
        with self.lock:
            self.session.query(f"DROP DATABASE `{database}` SYNC")


@contextlib.contextmanager
def running_clickhouse() -> Iterator[ClickHouseServer]:
    """Yield a server; skips where chdb is not there (Linux on x86-64 alone)."""
    chdb_session = pytest.importorskip("chdb.session", reason="needs chdb")
    lock = threading.Lock()
    with tempfile.TemporaryDirectory(prefix="chdb") as directory:
        session = chdb_session.Session(directory)

        class Handler(_Handler):
            engine, engine_lock = session, lock

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield ClickHouseServer(server.server_port, session, lock)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            session.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    engine: Any
    engine_lock: threading.Lock
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if self.headers["X-ClickHouse-User"] != USER or (
            self.headers["X-ClickHouse-Key"] != PASSWORD
        ):
            self._answer(403, b"Code: 516. DB::Exception: Authentication failed", 516)
            return
        statement, token = body, given.pop("insert_deduplication_token", None)
        if "query" in given:
            statement = f"{given.pop('query')}\n{body}"
        if token is not None:
            statement = statement.replace(
                " FORMAT ",
                f" SETTINGS insert_deduplication_token = '{token}' FORMAT ",
                1,
            )
        try:
            self._answer(200, self._run(statement, given))
        except RuntimeError as error:
            code = re.search(r"Code: (\d+)", str(error))
            self._answer(500, str(error).encode(), int(code[1]) if code else 1)

    def _run(self, statement: str, given: dict[str, str]) -> bytes:
        values = {
            name.removeprefix("param_"): value
            for name, value in given.items()
            if name.startswith("param_")
        }
        with self.engine_lock:
            self.engine.query(f"USE `{self.headers['X-ClickHouse-Database']}`")
            for name in ("max_execution_time", "join_use_nulls"):
                self.engine.query(f"SET {name} = {int(given.get(name, 0))}")
            for name in ("64bit_integers", "denormals"):
                setting = f"output_format_json_quote_{name}"
                self.engine.query(f"SET {setting} = {int(given.get(setting, 0))}")
            answer = self.engine.query(
                statement, given.get("default_format", "TabSeparated"), params=values
            )
            return bytes(answer.bytes())

    def _answer(self, status: int, body: bytes, code: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if code is not None:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Be silent."""
