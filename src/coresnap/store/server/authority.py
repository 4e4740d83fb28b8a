"""What whoever asks may do, whichever face of the server they ask."""

from __future__ import annotations

from typing import Any

from coresnap.errors import DeniedError
from coresnap.store.access.holder import Grant, Holder
from coresnap.store.api.endpoint import Capability, Endpoint
from coresnap.store.project import Project
from coresnap.store.server.call import Identity

__all__ = ["authorise", "denial", "identity_of"]

_NOBODY = Identity("", frozenset())


def identity_of(holder: Holder | None, project: Project | None) -> Identity:
    """Return who ``holder`` is in a project, or in the universe where it is None."""
    if holder is None:
        return _NOBODY
    grant = holder.general_grant()
    if project is not None:
        grant = holder.grant(project.id) or Grant(frozenset(), is_guest=True)
    return Identity(
        name=holder.name,
        capabilities=grant.capabilities,
        universe=holder.universe,
        project=holder.only_project,
        projects=holder.projects,
        is_guest=grant.is_guest,
    )


def authorise(endpoint: Endpoint[Any, Any], identity: Identity) -> None:
    """Raise DeniedError for what ``identity`` may not do."""
    if (denied := denial(endpoint, identity)) is not None:
        raise denied


def denial(endpoint: Endpoint[Any, Any], identity: Identity) -> DeniedError | None:
    """Return why ``identity`` may not do something; None if it may."""
    wanted = endpoint.capability
    if wanted is None:
        return None
    allowed = identity.capabilities
    if wanted not in allowed and Capability.ADMIN not in allowed:
        return DeniedError(
            f"{identity.name!r} may not do this: it lacks the capability {wanted}"
        )
    if identity.is_guest and not endpoint.is_read:
        return DeniedError(f"{identity.name!r} is a guest, and changes nothing")
    if identity.is_guest and endpoint.gives_bytes:
        return DeniedError(
            f"{identity.name!r} is a guest: snapshots and what is with them hold "
            "memory, arguments and environment of processes"
        )
    return None
