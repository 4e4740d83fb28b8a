"""What of a request goes into the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coresnap.errors import CoresnapError
from coresnap.store.access.audit import note
from coresnap.store.api.audit import AuditEntry
from coresnap.store.api.endpoint import Capability, Endpoint
from coresnap.store.server.call import Identity
from coresnap.store.server.server import Server

__all__ = ["is_audited", "subject_of", "write_audit"]

_SCOPE = ("universe", "project")
_NOT_AUDITED = (None, Capability.POST, Capability.SYMBOLS)
"""What comes without a token, or too often."""


def is_audited(endpoint: Endpoint[Any, Any]) -> bool:
    """Return whether the audit log tells of calls of ``endpoint``."""
    return not endpoint.is_read and endpoint.capability not in _NOT_AUDITED


def subject_of(path: Mapping[str, str], body: Any) -> str:  # noqa: ANN401 - any request
    """Return what a request is about: names in its path, and the one it makes."""
    words = [value for name, value in path.items() if name not in _SCOPE]
    name = getattr(body, "name", None)
    return " ".join([*words, name] if isinstance(name, str) else words)


def write_audit(
    server: Server,
    identity: Identity,
    operation: str,
    path: Mapping[str, str],
    subject: str,
    address: str,
    status: int,
) -> None:
    """Write it down. The request was answered before: a failure is told in the log."""
    entry = AuditEntry(
        id=0,
        time=0,
        name=identity.name,
        address=address,
        operation=operation,
        project=path.get("project"),
        subject=subject,
        status=status,
    )
    try:
        server.store.state.transact(lambda c: note(c, identity.universe, entry))
    except CoresnapError as error:
        server.log.error(
            f"{operation} by {identity.name} is not in the audit log: {error}"
        )
