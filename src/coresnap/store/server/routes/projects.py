"""Projects, what is in them, and how much they may take."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.errors import DeniedError
from coresnap.store.access.projects import create_project, list_projects
from coresnap.store.access.quotas import set_limits
from coresnap.store.access.summaries import summary_of
from coresnap.store.api.projects import ProjectList, ProjectSummary, Usage
from coresnap.store.server.call import Call, Handler
from coresnap.store.server.server import Server

__all__ = ["handlers"]


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def usage(call: Call) -> Usage:
        assert call.project is not None
        return server.quotas.usage(call.project)

    def limit(call: Call) -> Usage:
        project = call.project
        assert project is not None
        call.store.state.transact(lambda c: set_limits(c, project, call.body))
        server.quotas.forget(project)
        return server.quotas.usage(project)

    def list_them(call: Call) -> ProjectList:
        holder = call.identity
        with call.store.state.read() as connection:
            return ProjectList(
                tuple(
                    summary_of(connection, project)
                    for project in list_projects(connection, holder.universe)
                    if holder.projects is None or project.id in holder.projects
                )
            )

    return {
        "create_project": _create,
        "get_limits": usage,
        "list_projects": list_them,
        "set_limits": limit,
    }


def _create(call: Call) -> ProjectSummary:
    identity = call.identity
    if identity.project is not None:
        raise DeniedError(f"{identity.name!r} is bound to one project")

    project = call.store.state.transact(
        lambda c: create_project(c, identity.universe, call.body.name)
    )
    with call.store.state.read() as connection:
        return summary_of(connection, project)
