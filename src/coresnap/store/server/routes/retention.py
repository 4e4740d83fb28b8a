"""Retention's policies, plans and runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from coresnap.store.api.retention import (
    RetentionList,
    RetentionPlan,
    RetentionPolicy,
    RetentionStatus,
)
from coresnap.store.project import Project
from coresnap.store.retention import policies
from coresnap.store.retention.planning import plan
from coresnap.store.retention.running import apply_to
from coresnap.store.retention.status import retention_status
from coresnap.store.server.call import Call, Handler
from coresnap.store.server.retention import instance_of
from coresnap.store.server.server import Server

__all__ = ["handlers"]

_RUN_SECONDS = 10.0
"""That a request may work; whoever asks asks again until it is finished."""


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def policy() -> RetentionPolicy | None:
        return instance_of(server.config).policy

    def status(call: Call) -> RetentionStatus:
        with call.store.state.read() as connection:
            return _status(connection, _project(call), policy())

    def changed(
        call: Call, change: Callable[[Connection, Project], None]
    ) -> RetentionStatus:
        project = _project(call)
        call.store.state.transact(lambda c: change(c, project))
        server.fullness.forget(project)
        return status(call)

    def put(call: Call) -> RetentionStatus:
        new = call.body
        return changed(call, lambda c, p: policies.set_project_policy(c, p, new))

    def clear(call: Call) -> RetentionStatus:
        return changed(call, policies.clear_project_policy)

    def planned(call: Call) -> RetentionPlan:
        return plan(call.store, _project(call), int(time.time()), policy())

    def run(call: Call) -> RetentionStatus:
        project = _project(call)
        instance = instance_of(server.config)
        apply_to(call.store, project, int(time.time()), _RUN_SECONDS, instance)
        server.fullness.forget(project)
        return status(call)

    def listed(call: Call) -> RetentionList:
        only = call.identity.project
        with call.store.state.read() as connection:
            return policies.list_policies(
                connection,
                call.path["universe"],
                policy(),
                None if only is None else [only],
            )

    def put_universe(call: Call) -> RetentionList:
        new, universe = call.body, call.path["universe"]
        call.store.state.transact(
            lambda c: policies.set_universe_policy(c, universe, new)
        )
        server.fullness.forget()
        return listed(call)

    def clear_universe(call: Call) -> RetentionList:
        universe = call.path["universe"]
        call.store.state.transact(lambda c: policies.clear_universe_policy(c, universe))
        server.fullness.forget()
        return listed(call)

    return {
        "retention_status": status,
        "set_retention": put,
        "clear_retention": clear,
        "plan_retention": planned,
        "run_retention": run,
        "list_retention": listed,
        "set_universe_retention": put_universe,
        "clear_universe_retention": clear_universe,
    }


def _status(
    connection: Connection, project: Project, instance: RetentionPolicy | None
) -> RetentionStatus:
    return retention_status(connection, project, int(time.time()), instance)


def _project(call: Call) -> Project:
    assert call.project is not None
    return call.project
