"""Where channels may call, and the one way out that they all take.

Whoever sets up a channel names an address, and the server calls it: without a limit
that reads and writes what only the server's machine can see (server-side request
forgery). A name is resolved once and the connection goes to one of the addresses that
were looked at, so that a name which means something else a moment later gains nothing
(DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from coresnap.errors import ConfigError, DeliveryError
from coresnap.snapshot.escape import printable

if TYPE_CHECKING:
    import httpx2

__all__ = ["Address", "Network", "Reach", "Resolver"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Iterable[str]]
"""From a host and a port to addresses. Raises OSError."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")
_MOST_ADDRESSES = 8
_SILENCE = 15.0
_PATIENCE = 60.0


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


@attrs.frozen(slots=False)
class Reach:
    """What may be called, how long it may take, and whose certificates count."""

    allowed: tuple[Network, ...] = ()
    """Beside all addresses that are global."""
    authority: Path | None = None
    """PEM file of certificates that are trusted besides the system's."""
    silence: float = _SILENCE
    """Seconds without a byte after which a call has failed."""
    patience: float = _PATIENCE
    """Seconds that a call may take altogether, the resolver's time not counted."""
    resolver: Resolver = _resolved

    def permits(self, address: Address) -> bool:
        """Say whether this address may be called."""
        meant = _meant(address)
        # An address is in no network of the other version.
        is_allowed = any(a in n for a in (address, meant) for n in self.allowed)
        return is_allowed or _is_public(meant)

    def addresses(self, host: str, port: int) -> tuple[Address, ...]:
        """Return the addresses of a host that may be called.

        Raises OSError if it has none at all, DeliveryError if none may be called.
        """
        found: list[Address] = []
        for text in self.resolver(host, port):
            address = ipaddress.ip_address(text.partition("%")[0])
            if address not in found:
                found.append(address)
        permitted = tuple(address for address in found if self.permits(address))
        if not permitted:
            shown = ", ".join(map(str, found[:3]))
            raise DeliveryError(
                f"{printable(host[:255])} may not be called: {shown} is not a public "
                "address",
                remedy="Whoever runs the server may allow it: allow= in [integrations] "
                "of coronerd.conf.",
                is_final=True,
            )
        return permitted[:_MOST_ADDRESSES]

    def connect(
        self, host: str, port: int, timeout: float | None = None
    ) -> socket.socket:
        """Return a connection to a host, at the first address that answers.

        Raises OSError if none does, DeliveryError if it may not be called.
        """
        seconds = self.silence if timeout is None else min(timeout, self.silence)
        end = time.monotonic() + seconds
        failure: OSError = OSError("no address answered")
        for address in self.addresses(host, port):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            try:
                return socket.create_connection((str(address), port), left)
            except OSError as error:
                failure = error
        raise failure

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """What servers have to prove, of TLS 1.2 or later. Raises ConfigError."""
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.authority is not None:
            try:
                context.load_verify_locations(self.authority)
            except OSError as error:  # also ssl.SSLError
                raise ConfigError(
                    f"[integrations] ca: {self.authority} cannot be used: {error}",
                    remedy="Name a PEM file of certificates that the server may read.",
                ) from error
        return context

    def client(self) -> httpx2.Client:
        """Return an HTTP client that keeps to this: for one thread, to be closed.

        It follows no redirections and knows no proxies.
        A call raises httpx2.TransportError if it fails and DeliveryError if it is not
        permitted.
        """
        from coresnap.integrations.outgoing import outgoing_client

        return outgoing_client(self)


def _meant(address: Address) -> Address:
    """Return the IPv4 address behind one of IPv6 that is only a way to it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    if address in _PROTOCOLS:
        return False  # some of Python's 3.11 call most of it global
    # Python calls multicast global, and ::127.0.0.1 as well.
    return address.is_global and not (address.is_multicast or address.is_reserved)
