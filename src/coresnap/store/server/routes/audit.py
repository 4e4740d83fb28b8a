"""Reading the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.store.access.audit import list_audit
from coresnap.store.access.projects import project_of
from coresnap.store.api.audit import AuditList
from coresnap.store.server.call import Call, Handler

__all__ = ["HANDLERS"]


def _list(call: Call) -> AuditList:
    identity = call.identity
    with call.store.state.read() as connection:
        only = None
        if identity.project is not None:
            only = project_of(connection, identity.project).name
        return AuditList(
            list_audit(connection, identity.universe, call.parameters, only)
        )


HANDLERS: Mapping[str, Handler] = {"list_audit": _list}
