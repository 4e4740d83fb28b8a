"""All settings of a coroner server as one frozen noun."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import attrs

from coresnap.config.nouns import Rate

__all__ = ["ServerConfig"]


@attrs.frozen
class ServerConfig:
    """The values of ``SERVER_SETTINGS``, parsed. Sizes are bytes, times seconds."""

    data: Path
    listen: tuple[str, ...]
    """Empty for the default."""
    tls_certificate: Path | None
    tls_key: Path | None
    url: str
    """Where people reach it; empty: unknown."""
    universe: str
    projects: tuple[str, ...]
    metrics_listen: tuple[str, int] | None
    """Address and port; None: nowhere."""
    threads: int
    session_lifetime: int
    store_database: str
    """Empty: in ``data``; so the next two."""
    store_objects: str
    store_index: str
    limit_snapshot: int
    limit_symbols: int
    limit_request: int
    limit_requests: int
    limit_connections: int
    limit_time: int
    limit_rate: Rate
    audit_age: int | None
    """None for ever."""
    upload_age: int
    upload_quota: int
    retention_compress_age: int | None
    """None for never; so the next two."""
    retention_drop_age: int | None
    retention_forget_age: int | None
    retention_quota: int | None
    """Bytes of one project; None for no limit."""
    retention_disk_free: int | None
    """None: the disk may become full."""
    validation_children: int
    validation_memory: int
    validation_time: int
    integrations_allow: tuple[IPv4Network | IPv6Network, ...]
    """Networks that integrations may call beside all public addresses."""
    integrations_ca: Path | None
    openid_issuer: str
    """Empty: there is no provider to log in with."""
    openid_client: str
    openid_secret: str = attrs.field(repr=False)
    openid_claim: str
    source: Path | None = None
    """The file that was read; None if all values are defaults."""
