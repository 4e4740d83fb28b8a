"""What pages know they ask as the API's clients do, with the same authorisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from coresnap.errors import CoresnapError, DeniedError, UsageError
from coresnap.store.access.holder import Holder
from coresnap.store.api.endpoint import Endpoint
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.store.project import Project
from coresnap.store.server.auditing import is_audited, subject_of, write_audit
from coresnap.store.server.authority import authorise, denial, identity_of
from coresnap.store.server.call import Answer, Call, Handler, Identity
from coresnap.store.server.server import Server
from coresnap.store.server.statuses import status_of

__all__ = ["Asking"]

_BY_OPERATION: Mapping[str, Endpoint[Any, Any]] = {e.operation: e for e in ENDPOINTS}


@attrs.frozen
class Asking:
    """Asks the API's handlers for one visitor."""

    server: Server
    handlers: Mapping[str, Handler]
    holder: Holder | None
    address: str

    def identity(self, path: Mapping[str, str]) -> Identity:
        """Return who the visitor is where ``path`` leads.

        Raises MissingError for a project that is not the visitor's.
        """
        return identity_of(self.holder, self._project(path))

    def may(self, operation: str, path: Mapping[str, str]) -> bool:
        """Return whether the visitor may do an operation where ``path`` leads."""
        return denial(_BY_OPERATION[operation], self.identity(path)) is None

    def ask(
        self,
        operation: str,
        path: Mapping[str, str],
        parameters: Mapping[str, str | int | bool],
        body: msgspec.Struct | None,
    ) -> Answer:
        """Return the answer; raise what the API would answer with."""
        endpoint = _BY_OPERATION[operation]
        if self.holder is not None:
            path = {"universe": self.holder.universe, **path}
        elif endpoint.capability is not None:
            raise DeniedError("this needs a login", remedy="Log in.")
        in_project = "{project}" in endpoint.path
        project = self._project(path) if in_project else None
        call = Call(
            store=self.server.store,
            identity=identity_of(self.holder, project),
            project=project,
            path=path,
            parameters=parameters,
            body=_checked(body),
            address=self.address,
        )
        return self._answer(endpoint, call)

    def _project(self, path: Mapping[str, str]) -> Project | None:
        if self.holder is None or "project" not in path:
            return None
        return self.server.doorkeeper.project_of(
            self.holder, path["universe"], path["project"]
        )

    def _answer(self, endpoint: Endpoint[Any, Any], call: Call) -> Answer:
        status = 500
        try:
            authorise(endpoint, call.identity)
            answer = self.handlers[endpoint.operation](call)
            status = 200
        except CoresnapError as error:
            status = status_of(error).status
            raise
        finally:
            if is_audited(endpoint):
                write_audit(
                    self.server,
                    call.identity,
                    endpoint.operation,
                    {n: v for n, v in call.path.items() if f"{{{n}}}" in endpoint.path},
                    subject_of(call.path, call.body),
                    call.address,
                    status,
                )
        return answer


def _checked(body: msgspec.Struct | None) -> msgspec.Struct | None:
    """Return ``body`` checked as one that was decoded; raise UsageError."""
    if body is None:
        return None
    try:
        return msgspec.convert(msgspec.to_builtins(body), type(body))
    except msgspec.ValidationError as error:
        raise UsageError(str(error)) from None
