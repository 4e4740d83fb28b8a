"""Symbol files: their bytes among the objects, what they are in the state."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import attrs
import sqlalchemy
from sqlalchemy import Connection

from coresnap.errors import MissingError
from coresnap.store.objects.keys import symbol_key
from coresnap.store.project import Project
from coresnap.store.server.call import Staged
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.symbols import SYMBOL_FILES, SYMBOLS_TO_APPLY
from coresnap.store.store import Store
from coresnap.store.symbols.symbol_file import SymbolFile

__all__ = [
    "KeptSymbols",
    "being_applied",
    "keep_symbols",
    "kept_symbols",
    "remove_symbols",
]

_NAME_MAX = 256


@attrs.frozen
class KeptSymbols:
    """One symbol file of a project."""

    build_id: str
    kind: str
    """``executable`` or ``debuginfo``."""
    name: str
    machine: str
    has_debug_information: bool
    size: int
    """Bytes."""
    digest: str
    """SHA-256."""
    sent: int
    """Seconds, UTC since the epoch."""
    sender: str

    def key(self, project: Project) -> str:
        """Where its bytes are, among the objects."""
        return symbol_key(project.id, self.build_id, self.kind, self.digest)


def keep_symbols(
    store: Store,
    project: Project,
    file: SymbolFile,
    staged: Staged,
    name: str,
    sender: str,
) -> tuple[KeptSymbols, bool]:
    """Keep a symbol file, durably, and note that faults are to be read again with it.

    Another file of the same build-id and kind takes the place of the first. Returns
    what is kept, and whether it was there already, with the same bytes.
    """
    kept = KeptSymbols(
        file.build_id,
        file.kind,
        name[:_NAME_MAX],
        file.machine,
        file.has_debug_information,
        staged.size,
        staged.digest,
        int(time.time()),
        sender,
    )
    with store.state.read() as connection:
        before = _find(connection, project, kept)
    if before is not None and before.digest == kept.digest:
        return before, True
    staged.file.seek(0)
    store.objects.put(kept.key(project), staged.file, staged.size)
    store.state.transact(lambda connection: _note(connection, project, kept))
    if before is not None:
        store.objects.remove(before.key(project))
    return kept, False


def _note(connection: Connection, project: Project, kept: KeptSymbols) -> None:
    values = {"project": project.id, **attrs.asdict(kept)}
    upsert(connection, SYMBOL_FILES, values, ("project", "build_id", "kind"))
    wanted = {"project": project.id, "build_id": kept.build_id, "since": kept.sent}
    upsert(connection, SYMBOLS_TO_APPLY, wanted, ("project", "build_id"))


def kept_symbols(
    connection: Connection, project: Project, build_ids: Iterable[str] | None = None
) -> list[KeptSymbols]:
    """Return a project's symbol files, or those of ``build_ids``, by name."""
    table = SYMBOL_FILES.c
    chosen = table.project == project.id
    if build_ids is not None:
        chosen &= table.build_id.in_(list(build_ids))
    rows = connection.execute(
        _columns().where(chosen).order_by(table.name, table.build_id, table.kind)
    )
    return [KeptSymbols(**row._mapping) for row in rows]


def being_applied(connection: Connection, project: Project) -> frozenset[str]:
    """Return the build-ids whose faults were not all read again yet."""
    table = SYMBOLS_TO_APPLY.c
    rows = connection.execute(
        sqlalchemy.select(table.build_id).where(table.project == project.id)
    )
    return frozenset(build_id for (build_id,) in rows)


def remove_symbols(store: Store, project: Project, build_id: str) -> int:
    """Forget the files of a build-id and return how many there were.

    Faults that were read with them stay as they are. Raises MissingError for none.
    """
    with store.state.read() as connection:
        found = kept_symbols(connection, project, [build_id])
    if not found:
        raise MissingError(
            f"there are no symbols of build-id {build_id} in {project}",
            remedy="`coroner symbols list` shows those that are there.",
        )
    table = SYMBOL_FILES.c
    with store.state.write() as connection:
        connection.execute(
            sqlalchemy.delete(SYMBOL_FILES).where(
                table.project == project.id, table.build_id == build_id
            )
        )
    for one in found:
        store.objects.remove(one.key(project))
    return len(found)


def _find(
    connection: Connection, project: Project, like: KeptSymbols
) -> KeptSymbols | None:
    found = kept_symbols(connection, project, [like.build_id])
    return next((one for one in found if one.kind == like.kind), None)


def _columns() -> sqlalchemy.Select[Any]:
    names = [field.name for field in attrs.fields(KeptSymbols)]
    return sqlalchemy.select(*(SYMBOL_FILES.c[name] for name in names))
