"""How a project stands to its policy."""

from __future__ import annotations

from sqlalchemy import Connection

from coresnap.store.api.retention import (
    Outcome,
    RetentionPolicy,
    RetentionStatus,
)
from coresnap.store.attachments.keeping import bytes_of
from coresnap.store.project import Project
from coresnap.store.retention.bodies import size_of
from coresnap.store.retention.fullness import notice_of
from coresnap.store.retention.policies import find_policy
from coresnap.store.retention.runs import find_run

__all__ = ["retention_status"]


def retention_status(
    connection: Connection,
    project: Project,
    now: int,
    instance: RetentionPolicy | None = None,
) -> RetentionStatus:
    """Return policy, sizes and what runs did; ``now`` is in seconds, UTC."""
    level, policy = find_policy(connection, project, instance)
    taken = size_of(connection, project)
    attachments = bytes_of(connection, project)
    notice = notice_of(taken.size + attachments, policy.quota)
    run = find_run(connection, project)
    if run is None:
        return RetentionStatus(
            level,
            policy,
            taken.count,
            taken.size,
            Outcome(),
            Outcome(),
            notice=notice,
            attachments=attachments,
        )
    return RetentionStatus(
        level,
        policy,
        taken.count,
        taken.size,
        Outcome(
            run.total_compressed,
            run.total_dropped,
            run.total_forgotten,
            run.total_freed,
        ),
        Outcome(run.compressed, run.dropped, run.forgotten, run.freed),
        run.started,
        run.finished,
        run.holder is not None and run.lease > now,
        run.error,
        run.forgotten_before,
        notice,
        attachments,
    )
