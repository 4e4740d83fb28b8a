"""New fingerprints of faults, noted and not in use."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from coresnap.errors import ConflictError
from coresnap.store.accepting.rows import find_faults
from coresnap.store.api.reprocessing import Refingerprinted
from coresnap.store.fault import Value
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.groups import REPROCESSED, REPROCESSING

__all__ = ["discard", "is_begun", "stage"]

_TITLE = 512
_FRAMES = 64
_VALUE = 64 * 1024


def stage(
    connection: Connection, project: Project, faults: Sequence[Refingerprinted]
) -> None:
    """Note new fingerprints; those that are as they were, or of no fault, are left out.

    Raises ConflictError while earlier ones are being put into use.
    """
    if is_begun(connection, project):
        raise ConflictError(
            "earlier fingerprints are being put into use",
            remedy="Finish that first: `coroner reprocess --apply`.",
        )
    known = {
        row.object: row
        for row in find_faults(connection, project, [one.object for one in faults])
    }
    for one in faults:
        row = known.get(one.object)
        if row is None or row.fingerprint == one.fingerprint:
            connection.execute(
                delete(REPROCESSED).where(
                    REPROCESSED.c.project == project.id,
                    REPROCESSED.c.object == one.object,
                )
            )
            continue
        upsert(
            connection,
            REPROCESSED,
            {
                "project": project.id,
                "object": one.object,
                "old": row.fingerprint,
                "new": one.fingerprint,
                "ruleset": one.ruleset,
                "title": _clean(one.title, _TITLE),
                "callstack": [_clean(f, _TITLE) for f in one.callstack[:_FRAMES]],
                "attributes": _attributes(one),
            },
            ("project", "object"),
        )


def discard(connection: Connection, project: Project) -> None:
    """Forget what is noted; what was put into use stays."""
    connection.execute(delete(REPROCESSED).where(REPROCESSED.c.project == project.id))
    connection.execute(delete(REPROCESSING).where(REPROCESSING.c.project == project.id))


def is_begun(connection: Connection, project: Project) -> bool:
    """Return whether what is noted is being put into use."""
    begun = select(REPROCESSING.c.begun).where(REPROCESSING.c.project == project.id)
    return connection.execute(begun).scalar() is not None


def _attributes(one: Refingerprinted) -> dict[str, Value]:
    return {
        name: _clean(value, _VALUE) if isinstance(value, str) else value
        for name, value in one.attributes.items()
        if name == "callstack" or name.startswith("fingerprint.")
    }


def _clean(text: str, most: int) -> str:
    # PostgreSQL's texts have no NUL.
    return text[:most].replace("\0", "\ufffd")
