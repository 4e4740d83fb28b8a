"""Keeping what is added to a fault, and giving it back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from typing import Any

import attrs
import msgspec
import sqlalchemy
from sqlalchemy import Connection

from coresnap.errors import MissingError, QuotaError
from coresnap.store.accepting.rows import find_fault
from coresnap.store.api.attachments import Attachment
from coresnap.store.objects.keys import attachment_key
from coresnap.store.project import Project
from coresnap.store.server.call import Staged
from coresnap.store.state.dialect import insert_or_ignore
from coresnap.store.state.tables.attachments import ATTACHMENTS
from coresnap.store.store import Store

__all__ = [
    "Added",
    "add",
    "attachments_of",
    "bytes_of",
    "find",
    "remove",
    "remove_all",
]

_MOST = 64
"""Files that one fault may have."""


@attrs.frozen
class Added:
    """What became of a file that was sent."""

    attachment: Attachment
    is_duplicate: bool
    """It was there already."""


def add(
    store: Store,
    project: Project,
    object_id: str,
    staged: Staged,
    name: str,
    content_type: str,
    by: str,
) -> Added:
    """Keep a file, durably; the same once more changes nothing.

    Raises MissingError if there is no such fault, QuotaError if it has many already.
    """
    identity = hashlib.sha256(f"{name}\0{staged.digest}".encode()).hexdigest()[:16]
    with store.state.read() as connection:
        _require_fault(connection, project, object_id)
        present = attachments_of(connection, project, object_id)
    for one in present:
        if one.id == identity:
            return Added(one, is_duplicate=True)
    if len(present) >= _MOST:
        raise QuotaError(
            f"fault {object_id} has {_MOST} attachments already",
            remedy="Remove one with `coroner attachment --delete`.",
        )
    attachment = Attachment(
        identity,
        name,
        content_type,
        staged.size,
        staged.digest,
        int(time.time()),
        by,
    )
    staged.file.seek(0)
    store.objects.put(_key(project, object_id, attachment), staged.file, staged.size)
    values = {"project": project.id, "object": object_id}
    row = {**values, **msgspec.structs.asdict(attachment)}
    store.state.transact(lambda c: insert_or_ignore(c, ATTACHMENTS, row))
    return Added(attachment, is_duplicate=False)


def bytes_of(connection: Connection, project: Project) -> int:
    """Return what the files of all faults of a project take."""
    total = sqlalchemy.func.coalesce(sqlalchemy.func.sum(ATTACHMENTS.c.size), 0)
    query = sqlalchemy.select(total).where(ATTACHMENTS.c.project == project.id)
    return int(connection.execute(query).scalar_one())


def attachments_of(
    connection: Connection, project: Project, object_id: str
) -> list[Attachment]:
    """Return the files of a fault, the oldest first."""
    table = ATTACHMENTS.c
    names = Attachment.__struct_fields__
    query: sqlalchemy.Select[Any] = sqlalchemy.select(*(table[n] for n in names))
    rows = connection.execute(
        query.where(table.project == project.id, table.object == object_id).order_by(
            table.added, table.id
        )
    )
    return [Attachment(**row._mapping) for row in rows]


def find(
    store: Store, project: Project, object_id: str, identity: str
) -> tuple[Attachment, str]:
    """Return a file of a fault, and the key of its bytes. Raises MissingError."""
    with store.state.read() as connection:
        present = attachments_of(connection, project, object_id)
    for one in present:
        if one.id == identity:
            return one, _key(project, object_id, one)
    raise MissingError(f"fault {object_id} has no attachment {identity}")


def remove(store: Store, project: Project, object_id: str, identity: str) -> None:
    """Remove a file of a fault. Raises MissingError."""
    _, key = find(store, project, object_id, identity)
    table = ATTACHMENTS.c
    with store.state.write() as connection:
        connection.execute(
            sqlalchemy.delete(ATTACHMENTS).where(
                table.project == project.id,
                table.object == object_id,
                table.id == identity,
            )
        )
    store.objects.remove(key)


def remove_all(store: Store, project: Project, objects: Iterable[str]) -> None:
    """Remove the files of faults that are forgotten."""
    for object_id in objects:
        with store.state.read() as connection:
            present = attachments_of(connection, project, object_id)
        for one in present:
            remove(store, project, object_id, one.id)


def _require_fault(connection: Connection, project: Project, object_id: str) -> None:
    if find_fault(connection, project, object_id) is None:
        raise MissingError(f"there is no fault {object_id} in {project}")


def _key(project: Project, object_id: str, attachment: Attachment) -> str:
    return attachment_key(project.id, object_id, attachment.id)
