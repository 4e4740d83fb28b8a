"""Bodies in fewer bytes, in the place of the old ones."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Mapping

from sqlalchemy import Connection, update

from coresnap.errors import MissingError, SnapshotFormatError
from coresnap.snapshot.reduction import recompressed
from coresnap.store.accepting.rows import FaultRow, find_fault
from coresnap.store.project import Project
from coresnap.store.state.tables.faults import FAULTS, Body
from coresnap.store.store import Store

__all__ = ["compress_body"]


def compress_body(store: Store, project: Project, object_id: str) -> int | None:
    """Compress the body of a fault slowly; return the bytes that this freed.

    None if it had no body to compress any more. A body that cannot get smaller, or
    that we cannot read, stays as it is and is not tried again.
    """
    with store.state.read() as connection:
        before = find_fault(connection, project, object_id)
    if before is None or before.body is not Body.KEPT:
        return None
    try:
        smaller = _recompressed(store, before)
    except MissingError:
        return None  # it was replaced or removed meanwhile
    if smaller is None or len(smaller) >= before.size:
        return 0 if _change(store, before, {"body": Body.COMPRESSED}) else None
    # In place, so that a state that is restored from a backup finds it, too. What is
    # killed before the state knows is done again.
    store.objects.replace(before.key, io.BytesIO(smaller), len(smaller))
    if _change(store, before, {"body": Body.COMPRESSED, "size": len(smaller)}):
        return before.size - len(smaller)
    _remove_if_gone(store, project, before)
    return None


def _remove_if_gone(store: Store, project: Project, before: FaultRow) -> None:
    """Remove what was put in the place of a body that went meanwhile."""
    with store.state.read() as connection:
        now = find_fault(connection, project, before.object)
    if now is None or not now.has_body or now.key != before.key:
        store.objects.remove(before.key)


def _recompressed(store: Store, row: FaultRow) -> bytes | None:
    with tempfile.TemporaryFile() as copy, store.objects.open(row.key) as body:
        shutil.copyfileobj(body, copy)
        copy.flush()
        try:
            # The reader closes what it is given.
            return recompressed(os.dup(copy.fileno()))
        except SnapshotFormatError:
            return None


def _change(store: Store, before: FaultRow, values: Mapping[str, object]) -> bool:
    """Change the row unless somebody else did; return whether it was changed."""

    def work(connection: Connection) -> bool:
        done = connection.execute(
            update(FAULTS)
            .where(
                FAULTS.c.project == before.project,
                FAULTS.c.sequence == before.sequence,
                FAULTS.c.upload == before.upload,
                FAULTS.c.body == Body.KEPT,
            )
            .values(dict(values))
        )
        return done.rowcount > 0

    return store.state.transact(work)
