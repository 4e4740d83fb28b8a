"""Addresses that people set, checked before anything is sent to them."""

from __future__ import annotations

from urllib.parse import urlsplit

from coresnap.errors import ConfigError

__all__ = ["origin", "read_address"]


def read_address(name: str, text: str) -> str:
    """Return an https or http address. Raises ConfigError, without the address, which
    may be a secret."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("https", "http") and bool(parts.hostname)
        is_good = is_good and parts.port != 0 and text.isascii() and text.isprintable()
    except ValueError:
        is_good = False
    if not is_good or " " in text or parts.username or parts.fragment:
        raise ConfigError(
            f"{name}: not an address that can be called",
            remedy="Give it like https://example.com/path, without a user or #part.",
        )
    return text


def origin(address: str) -> str:
    """Return the part of an address that is no secret: scheme, host and port."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
