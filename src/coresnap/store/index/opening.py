"""From a URL to the engine that holds the index."""

from __future__ import annotations

from pathlib import Path

from coresnap.errors import ConfigError
from coresnap.store.index.contract import Index

__all__ = ["open_index"]


def open_index(url: str, directory: Path) -> Index:
    """Open the index at ``url``, or the embedded one in ``directory`` without one.

    ``clickhouse://user:password@host:8123/database`` is a server of ClickHouse by its
    HTTP interface, ``clickhouses://`` the same over TLS. Raises ConfigError for a URL
    of no engine that is supported, StorageError if the engine fails.
    """
    if not url:
        from coresnap.store.index.duckdb.index import DuckDBIndex

        return DuckDBIndex(directory)
    scheme, _, rest = url.partition("://")
    schemes = {"clickhouse": "http", "clickhouses": "https"}
    if scheme not in schemes:
        raise ConfigError(
            f"there is no index at {scheme}:",
            remedy="Give clickhouse://…, clickhouses://…, or nothing for DuckDB.",
        )
    from coresnap.store.index.clickhouse.http import HTTPConnection
    from coresnap.store.index.clickhouse.index import ClickHouseIndex

    return ClickHouseIndex(HTTPConnection(f"{schemes[scheme]}://{rest}"))
