"""coroner.cf as one frozen noun: where the object store is, and what opens it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from coresnap.errors import ConfigError

__all__ = ["StoreConfig", "Watched"]


@attrs.frozen
class Watched:
    """A directory whose snapshots ``coroner daemon`` sends."""

    project: str
    root: Path
    token: str
    """Its name in section ``[token]``."""


@attrs.frozen
class StoreConfig:
    """The values of a coroner.cf."""

    universe: str
    write: str
    """URL that snapshots are sent to, without a slash at its end."""
    read: str
    """URL that is asked."""
    verify: bool = True
    """Whether the server's certificate has to prove who it is."""
    authority: Path | None = None
    """Certificates that are trusted instead of the system's."""
    certificate: Path | None = None
    """Of the client, with its key in ``key`` or in the same file."""
    key: Path | None = None
    tokens: Mapping[str, str] = attrs.field(factory=dict)
    """Name to 64 hex digits."""
    watched: tuple[Watched, ...] = ()
    defaults: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    """Command to its long options and what they are without being given."""
    source: Path | None = None
    lines: Mapping[str, int] = attrs.field(factory=dict)
    """Setting of [universe] to the line that gives it; others are defaults."""
    is_exposed: bool = False
    """Others than the file's owner and group may read the tokens in it."""

    def token(self, name: str) -> str:
        """Return the token called ``name``; it may also be the token itself.

        Raises ConfigError if there is none.
        """
        if name in self.tokens:
            return self.tokens[name]
        if len(name) == 64 and not name.strip("0123456789abcdef"):
            return name
        known = ", ".join(sorted(self.tokens)) or "none"
        raise ConfigError(
            f"there is no token {name!r} in {self.source or 'coroner.cf'}",
            remedy=f"Section [token] has: {known}. `coroner token create` makes one.",
        )
