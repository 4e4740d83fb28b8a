"""ClickHouse's HTTP interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
import msgspec

from coresnap.errors import ConfigError, NoSpaceError, QueryError, StorageError
from coresnap.store.index.clickhouse.connection import Parameter, parameter_text

__all__ = ["HTTPConnection"]

_SECONDS = 60.0
_CODE = "X-ClickHouse-Exception-Code"
_TOO_DEAR = (
    159,  # TIMEOUT_EXCEEDED
    160,  # TOO_SLOW
    241,  # MEMORY_LIMIT_EXCEEDED
    307,  # TOO_MANY_BYTES
)
_FULL = 243  # NOT_ENOUGH_SPACE
_FORMATS = {
    "default_format": "JSONCompact",
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_denormals": "1",
    "wait_end_of_query": "1",
    "join_use_nulls": "1",
}


class _Column(msgspec.Struct):
    type: str


class _Rows(msgspec.Struct):
    meta: list[_Column]
    data: list[tuple[Any, ...]]


class HTTPConnection:
    """A server by URL: ``http[s]://user:password@host:8123/database``."""

    def __init__(self, url: str, transport: httpx2.BaseTransport | None = None) -> None:
        """Take a URL; nothing is connected yet. Raises ConfigError for another one."""
        parts = urlsplit(url)
        database = parts.path.strip("/") or "default"
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{parts.scheme}://{parts.hostname} is no ClickHouse URL")
        headers = {"X-ClickHouse-Database": database}
        if parts.username:
            headers["X-ClickHouse-User"] = unquote(parts.username)
            headers["X-ClickHouse-Key"] = unquote(parts.password or "")
        port = parts.port or (8443 if parts.scheme == "https" else 8123)
        self._client = httpx2.Client(
            base_url=f"{parts.scheme}://{parts.hostname}:{port}",
            headers=headers,
            timeout=_SECONDS,
            transport=transport,
        )

    def run(
        self,
        statement: str,
        values: Mapping[str, Parameter] | None = None,
        seconds: float | None = None,
    ) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows."""
        parameters = dict(_FORMATS)
        for name, value in (values or {}).items():
            parameters[f"param_{name}"] = parameter_text(value)
        if seconds is not None:
            parameters["max_execution_time"] = f"{max(1, round(seconds))}"
        answer = self._post(parameters, statement.encode(), seconds)
        if not answer:
            return []
        return _typed(msgspec.json.decode(answer, type=_Rows))

    def insert(
        self, table: str, rows: Iterable[Mapping[str, object]], token: str | None = None
    ) -> None:
        """Insert rows by column, all or none."""
        parameters = {"query": f"INSERT INTO {table} FORMAT JSONEachRow"}
        if token is not None:
            parameters["insert_deduplication_token"] = token
        body = b"\n".join(msgspec.json.encode(row) for row in rows)
        self._post(parameters, body, None)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _post(
        self, parameters: Mapping[str, str], body: bytes, seconds: float | None
    ) -> bytes:
        limit = _SECONDS if seconds is None else seconds + 5
        try:
            answer = self._client.post(
                "/", params=parameters, content=body, timeout=limit
            )
        except httpx2.HTTPError as error:
            raise StorageError(
                f"ClickHouse at {self._client.base_url} does not answer: {error}"
            ) from error
        if answer.status_code != 200 or _CODE in answer.headers:
            raise _error(answer)
        return answer.content


def _typed(rows: _Rows) -> list[tuple[Any, ...]]:
    """Return rows whose floats are floats.

    A whole one is written without a point, and 17 digits of it: as an integer that is
    another number.
    """
    floats = [n for n, column in enumerate(rows.meta) if _is_float(column.type)]
    if not floats:
        return rows.data
    found = []
    for row in rows.data:
        values = list(row)
        for index in floats:
            values[index] = _as_float(values[index])
        found.append(tuple(values))
    return found


def _is_float(type: str) -> bool:
    """Whether a column has floats and nothing else, perhaps in arrays."""
    inner = type
    while inner.endswith(")") and inner.startswith(("Array(", "Nullable(")):
        inner = inner.partition("(")[2][:-1]
    return inner in ("Float64", "Float32")


def _as_float(value: Any) -> Any:  # noqa: ANN401 - a cell
    if isinstance(value, list | tuple):
        return [_as_float(one) for one in value]
    return float(value) if isinstance(value, int) else value


def _error(answer: httpx2.Response) -> StorageError | QueryError:
    code = answer.headers.get(_CODE, "")
    number = int(code) if code.isdigit() else 0
    message = answer.text.strip().partition("\n")[0][:500]
    if number in _TOO_DEAR:
        return QueryError(
            f"the query takes more time or memory than it may: {message}",
            remedy="Ask for fewer faults: --age, --filter, or fewer folds.",
        )
    if number == _FULL:
        return NoSpaceError(f"ClickHouse: {message}", remedy="Free space on its disks.")
    return StorageError(f"ClickHouse answered {answer.status_code}: {message}")
