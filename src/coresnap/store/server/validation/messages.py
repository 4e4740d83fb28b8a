"""What server and validating child say to each other.

A frame is a length (u32, little-endian) and as many bytes of MessagePack; with a
question goes the descriptor of the staged snapshot (SCM_RIGHTS).
"""

from __future__ import annotations

import socket
import struct

import msgspec

from coresnap.snapshot.scrubbing.rules import Rules
from coresnap.store.accepting.arrival import Arrival
from coresnap.store.symbols.symbol_file import SymbolFile

__all__ = ["Finding", "Question", "receive", "send"]

_LENGTH = struct.Struct("<I")
_FIRST = 64 * 1024
"""Bytes that are read at once: nearly all frames, and never of two, since question and
answer take turns."""


class Question(msgspec.Struct, frozen=True):
    """A file that is to be read: a snapshot, or symbols."""

    digest: str
    """Of a snapshot's bytes; empty for symbols."""
    received: int
    """Seconds, UTC since the epoch."""
    rules: Rules | None = None
    """What is to be taken out of a snapshot."""


class Finding(msgspec.Struct, frozen=True):
    """What the file says; or why it is none."""

    arrival: Arrival | None = None
    symbols: SymbolFile | None = None
    reason: str = ""
    remedy: str = ""
    is_last: bool = False
    """The child ends: who knows what is left of it."""


def send(connection: socket.socket, body: bytes, descriptor: int | None = None) -> None:
    """Send one frame, and a descriptor with it."""
    frame = _LENGTH.pack(len(body)) + body
    if descriptor is None:
        connection.sendall(frame)
        return
    sent = socket.send_fds(connection, [frame], [descriptor])
    if sent < len(frame):
        connection.sendall(frame[sent:])


def receive(connection: socket.socket, limit: int) -> tuple[bytes, list[int]]:
    """Return the body of one frame of at most ``limit`` bytes, and descriptors.

    Raises EOFError at the end of the stream, ValueError for a longer frame.
    """
    first, descriptors, _, _ = socket.recv_fds(connection, _FIRST, 1)
    if not first:
        raise EOFError
    first += _exactly(connection, _LENGTH.size - len(first))
    (size,) = _LENGTH.unpack_from(first)
    body = first[_LENGTH.size :]
    if not len(body) <= size <= limit:
        raise ValueError(f"a frame of {size} bytes")
    return body + _exactly(connection, size - len(body)), descriptors


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size > 0:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
