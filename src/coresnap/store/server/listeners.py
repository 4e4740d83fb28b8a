"""Where the server listens: addresses, sockets, TLS."""

from __future__ import annotations

import socket
import ssl
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

import attrs

from coresnap.errors import AccessError, ConfigError, ConflictError

__all__ = ["Listener", "bind", "load_certificate", "make_tls", "parse_listener"]

_PORTS = {"http": 6097, "https": 6098}
_FORM = "Write http://ADDRESS:PORT or https://ADDRESS:PORT."
_BACKLOG = 1024


@attrs.frozen
class Listener:
    """One address."""

    scheme: str
    """``http`` or ``https``."""
    host: str
    port: int
    """0 for any that is free."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_listener(text: str) -> Listener:
    """Return the listener that ``text`` means; raise ConfigError if it means none."""
    try:
        parts = urllib.parse.urlsplit(text if "//" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise ConfigError(f"this is no address: {text!r}", remedy=_FORM) from None
    extra = parts.path.strip("/") or parts.query or parts.username
    if parts.scheme not in _PORTS or not parts.hostname or extra:
        raise ConfigError(f"this is no address: {text!r}", remedy=_FORM)
    number = _PORTS[parts.scheme] if port is None else port
    return Listener(parts.scheme, parts.hostname, number)


def bind(listener: Listener) -> socket.socket:
    """Return a socket that listens there.

    Raises ConflictError if somebody does already, AccessError if we may not, and
    ConfigError for an address that is not this machine's.
    """
    family, kind, protocol, _, address = _resolved(listener)
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise _not_bound(listener, error) from error
    return bound


def _resolved(
    listener: Listener,
) -> tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]:
    try:
        found: Sequence[tuple[int, int, int, str, tuple[str, int]]] = (
            socket.getaddrinfo(  # type: ignore[assignment]
                listener.host, listener.port, type=socket.SOCK_STREAM
            )
        )
    except OSError as error:
        raise ConfigError(f"cannot listen on {listener}: {error.strerror}") from error
    return found[0]


def _not_bound(listener: Listener, error: OSError) -> Exception:
    message = f"cannot listen on {listener}: {error.strerror}"
    if isinstance(error, PermissionError):
        return AccessError(message, remedy="Take a port above 1023.")
    if error.errno == 98 or "in use" in str(error):
        return ConflictError(message, remedy="Another program listens there.")
    return ConfigError(message)


def make_tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and 1.3; raise what ``load_certificate`` raises."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_certificate(context, certificate, key)
    return context


def load_certificate(
    context: ssl.SSLContext, certificate: Path, key: Path | None
) -> None:
    """Let ``context`` show a certificate (PEM, its chain behind it) from now on.

    Connections that are open stay as they are. Raises ConfigError if certificate and
    key cannot be used; then the context shows what it did before.
    """
    # A certificate whose key does not fit would be half loaded: try it elsewhere.
    for target in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), context):
        try:
            target.load_cert_chain(certificate, key, password="")
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(
                f"cannot use the certificate {certificate}: {reason}",
                remedy="It takes PEM files that the server may read, and the key that "
                "belongs to the certificate, without a passphrase.",
            ) from error
