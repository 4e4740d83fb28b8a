"""One request as a handler sees it: checked, decoded, and bound to its project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import attrs
import msgspec

from coresnap.store.api.endpoint import Capability
from coresnap.store.project import Project
from coresnap.store.store import Store

__all__ = ["Answer", "Call", "Content", "Handler", "Identity", "Staged"]


@attrs.frozen
class Identity:
    """Who asks."""

    name: str
    """Of a token or a user; it stands in history and audit log."""
    capabilities: frozenset[Capability]
    """In the call's project; where there is none, in the universe."""
    universe: str = ""
    """What is outside of it is not there for this one."""
    project: int | None = None
    """The only project whose things it may touch; None for all of the universe."""
    projects: frozenset[int] | None = None
    """The projects that it sees; None for all of the universe."""
    is_guest: bool = False
    """Changes nothing, and sees no protected attribute and no snapshot."""


@attrs.frozen
class Staged:
    """Bytes that were sent, in a file without a name on this machine."""

    file: BinaryIO
    """Open for reading, at its start."""
    size: int
    digest: str
    """SHA-256, 64 hex digits."""
    data: bytes | None = attrs.field(default=None, repr=False)
    """The same bytes, where they are in memory."""


@attrs.frozen
class Content:
    """Bytes to be sent, whole or a range of them."""

    open: Callable[[int, int], BinaryIO]
    """Called with the first byte and the number of bytes that are wanted."""
    size: int
    """Of the whole."""
    digest: str
    """Changes when the bytes do; the entity tag."""
    media_type: str = "application/octet-stream"
    name: str = ""
    """Of a file that takes it; one that we made."""


@attrs.frozen
class Call:
    """A request that is allowed."""

    store: Store
    identity: Identity
    project: Project | None
    """None where the endpoint is of no project."""
    path: Mapping[str, str]
    """What stands for the ``{names}`` in the endpoint's path."""
    parameters: Mapping[str, str | int | bool]
    """Those that were given, and are declared."""
    body: Any
    """The endpoint's ``request``, decoded; a ``Staged`` where it takes bytes; None
    without."""
    address: str = ""
    """Of the client."""


Answer = msgspec.Struct | Content | None

Handler = Callable[[Call], Answer]
"""Answers a call, in a thread of its own; raises CoresnapError."""
