"""Who holds a secret, and what that allows where."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from coresnap.store.api.endpoint import Capability
from coresnap.store.api.users import Role

__all__ = ["CAPABILITIES", "Grant", "Holder"]

CAPABILITIES: Mapping[Role, frozenset[Capability]] = {
    Role.GUEST: frozenset({Capability.QUERY}),
    Role.MEMBER: frozenset({Capability.QUERY, Capability.POST, Capability.SYMBOLS}),
    Role.ADMIN: frozenset(Capability),
}
"""What a role allows."""


@attrs.frozen
class Grant:
    """What is allowed in one place."""

    capabilities: frozenset[Capability]
    is_guest: bool = False

    @classmethod
    def of(cls, role: Role) -> Grant:
        """Return what ``role`` allows."""
        return cls(CAPABILITIES[role], role == Role.GUEST)


@attrs.frozen
class Holder:
    """A token, or a user with a session."""

    name: str
    universe: str
    grants: Mapping[int | None, Grant]
    """By project id; None holds in projects that have none of their own."""
    expires: int | None = None
    """Seconds, UTC since the epoch."""
    token: int | None = None
    """Its id, where it is a token."""

    def grant(self, project: int | None) -> Grant | None:
        """Return what is allowed in a project (None: in the universe as a whole).

        None means that the project is not there for this one.
        """
        return self.grants.get(project) or self.grants.get(None)

    @property
    def only_project(self) -> int | None:
        """The project that this one is bound to; None if it is not bound to one."""
        if None in self.grants or len(self.grants) != 1:
            return None
        return next(iter(self.grants))
