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
        """Return what is allowed in a project.

        None means that the project is not there for this one.
        """
        return self.grants.get(project) or self.grants.get(None)

    def general_grant(self) -> Grant:
        """Return what is allowed where no project is named.

        Roles in several projects and none in the universe allow there what one of them
        does, but not to rule.
        """
        if (whole := self.grants.get(None)) is not None:
            return whole
        grants = self.grants.values()
        if len(self.grants) == 1:
            return next(iter(grants))
        allowed = frozenset[Capability]().union(*(g.capabilities for g in grants))
        is_guest = all(grant.is_guest for grant in grants)
        return Grant(allowed - {Capability.ADMIN}, is_guest)

    @property
    def projects(self) -> frozenset[int] | None:
        """Ids of the projects that are there for this one; None for all."""
        if None in self.grants:
            return None
        return frozenset(project for project in self.grants if project is not None)

    @property
    def only_project(self) -> int | None:
        """The project that this one is bound to; None if it is not bound to one."""
        projects = self.projects
        return next(iter(projects)) if projects and len(projects) == 1 else None
