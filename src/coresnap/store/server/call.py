"""One request as a handler sees it: checked, decoded, and bound to its project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import msgspec

from coresnap.store.api.endpoint import Capability
from coresnap.store.project import Project
from coresnap.store.store import Store

__all__ = ["Call", "Handler", "Identity"]


@attrs.frozen
class Identity:
    """Who asks."""

    name: str
    """Of a token or a user; it stands in history and audit log."""
    capabilities: frozenset[Capability]


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
    """The endpoint's ``request``, decoded; None without."""


Handler = Callable[[Call], msgspec.Struct | None]
"""Answers a call, in a thread of its own; raises CoresnapError."""
