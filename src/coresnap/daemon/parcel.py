"""What the daemon and its sender say to each other: one message, one snapshot.

Each is one packet of MessagePack on a socket that keeps packets apart; with a parcel
goes the descriptor of the snapshot.
"""

from __future__ import annotations

import os
import socket
from typing import TypeVar

import msgspec

__all__ = ["DEFAULT_PROJECT", "Outcome", "Parcel", "Receipt", "receive", "send"]

T = TypeVar("T")

DEFAULT_PROJECT = "blackhole"
"""Where a snapshot goes that no route has sent elsewhere."""
_LARGEST = 1 << 20


class Outcome:
    """What became of a parcel."""

    SENT = "sent"
    """The store has it on its disk."""
    REFUSED = "refused"
    """The store will not have it, whenever it is asked."""
    AWAY = "away"
    """The store cannot be reached, or has no time or room."""
    DENIED = "denied"
    """The store does not know our token, or it allows too little."""
    DIED = "died"
    """The process that had it died, or failed in a way that is our bug."""


class Parcel(msgspec.Struct, frozen=True):
    """A snapshot that is to be sent."""

    id: str
    project: str
    """Also the name of the token."""
    scrubbers: tuple[str, ...]
    expressions: tuple[tuple[str, str], ...]
    """Name and regular expression of each."""
    bandwidth: int | None
    """Bytes a second."""
    again: bool = False
    """It was sent before, and is another one now, or somebody wants it."""


class Receipt(msgspec.Struct, frozen=True):
    """What became of it."""

    id: str
    """Empty with ``DIED``: nothing is on its way any more."""
    outcome: str
    reason: str = ""
    wait: float = 0
    """Seconds until the next one: the store's wish, or the pause after a death."""
    facts: dict[str, str | int] = {}
    """``object``, ``group``, ``stored``: what the store says of it."""


def send(
    connection: socket.socket, message: msgspec.Struct, descriptor: int | None = None
) -> None:
    """Send a message, and a descriptor with it. Raises OSError."""
    body = msgspec.msgpack.encode(message)
    if descriptor is None:
        connection.send(body)
    else:
        socket.send_fds(connection, [body], [descriptor])


def receive(connection: socket.socket, kind: type[T]) -> tuple[T, int] | None:
    """Return the next message with its descriptor, -1 without one; None at the end.

    Raises OSError, and msgspec's errors for what is no such message.
    """
    body, descriptors, _, _ = socket.recv_fds(connection, _LARGEST, 1)
    if not body:
        return None
    for extra in descriptors[1:]:
        os.close(extra)
    message = msgspec.msgpack.decode(body, type=kind)
    return message, descriptors[0] if descriptors else -1
