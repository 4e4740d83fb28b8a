"""All settings of a coroner server as one frozen noun."""

from __future__ import annotations

from pathlib import Path

import attrs

from coresnap.config.nouns import Rate

__all__ = ["ServerConfig"]


@attrs.frozen
class ServerConfig:
    """The values of ``SERVER_SETTINGS``, parsed. Sizes are bytes, times seconds."""

    data: Path = Path("/var/coroner")
    listen: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    database: str = ""
    objects: str = ""
    index: str = ""
    universe: str = "default"
    projects: tuple[str, ...] = ()
    threads: int = 8
    limit_snapshot: int = 64 << 20
    limit_symbols: int = 2 << 30
    limit_request: int = 1 << 20
    limit_requests: int = 256
    limit_connections: int = 2000
    limit_time: int = 60
    limit_rate: Rate = attrs.field(factory=lambda: Rate(2000, 1))
    session_lifetime: int = 12 * 60 * 60
    audit_age: int | None = 180 * 24 * 60 * 60
    upload_age: int = 24 * 60 * 60
    upload_quota: int = 4 << 30
    validation_children: int = 2
    validation_memory: int = 1 << 30
    validation_time: int = 20
    source: Path | None = None
