"""What the settings of a server say about retention."""

from __future__ import annotations

import os

from coresnap.config.server import ServerConfig
from coresnap.model.message_id import MessageId
from coresnap.store.access.projects import all_projects
from coresnap.store.api.retention import Action, RetentionPolicy, RetentionRule
from coresnap.store.retention.fullness import kept_size, notice_of
from coresnap.store.retention.policies import find_policy
from coresnap.store.retention.running import Instance
from coresnap.store.server.log import Log
from coresnap.store.state.state import State

__all__ = ["disk_shortage", "instance_of", "warn_of_quotas"]


def instance_of(config: ServerConfig) -> Instance:
    """Return what holds for the whole server."""
    return Instance(_policy(config), lambda: disk_shortage(config))


def _policy(config: ServerConfig) -> RetentionPolicy | None:
    ages = (
        (Action.COMPRESS, config.retention_compress_age),
        (Action.DROP_BODY, config.retention_drop_age),
        (Action.FORGET, config.retention_forget_age),
    )
    rules = tuple(
        RetentionRule(action, age=age) for action, age in ages if age is not None
    )
    if not rules and config.retention_quota is None:
        return None
    return RetentionPolicy(rules, config.retention_quota)


def disk_shortage(config: ServerConfig, part: float = 1) -> int:
    """Return the bytes that the disk lacks until a part is free of what should be.

    It is the disk with the server's directory; snapshots that are in S3 take nothing
    of it, and give nothing back.
    """
    wanted = config.retention_disk_free
    if wanted is None or config.store_objects.startswith("s3:"):
        return 0
    disk = os.statvfs(config.data)
    return max(0, int(wanted * part) - disk.f_bavail * disk.f_frsize)


def warn_of_quotas(
    state: State, config: ServerConfig, log: Log, told: dict[int, str]
) -> None:
    """Say in the log when a project has used three quarters of its quota, or all.

    ``told`` has what was said of which project, so that it is said once.
    """
    with state.read() as connection:
        for project in all_projects(connection):
            _, policy = find_policy(connection, project, _policy(config))
            if policy.quota is None:
                told.pop(project.id, None)
                continue
            size = kept_size(connection, project)
            kind = "full" if size >= policy.quota else "notice"
            notice = notice_of(size, policy.quota)
            if notice and told.get(project.id) != kind:
                log.warning(
                    f"project {project}: {notice}",
                    message_id=MessageId.QUOTA_REACHED,
                    project=str(project),
                )
            if notice:
                told[project.id] = kind
            else:
                told.pop(project.id, None)
