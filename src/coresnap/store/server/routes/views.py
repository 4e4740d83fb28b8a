"""Views that people keep."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, select

from coresnap.errors import MissingError, UsageError
from coresnap.store.api.views import NewView, SavedView, SavedViewList
from coresnap.store.project import Project
from coresnap.store.server.call import Call, Handler
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.views import SAVED_VIEWS

__all__ = ["HANDLERS"]

_MOST = 500
_COLUMNS = SAVED_VIEWS.c


def _list(call: Call) -> SavedViewList:
    query = (
        select(
            _COLUMNS.name,
            _COLUMNS.page,
            _COLUMNS.query,
            _COLUMNS.who,
            _COLUMNS.created,
        )
        .where(_COLUMNS.project == _project(call).id)
        .order_by(_COLUMNS.name)
    )
    with call.store.state.read() as connection:
        return SavedViewList(
            tuple(SavedView(*row) for row in connection.execute(query))
        )


def _save(call: Call) -> SavedView:
    project, wanted, name = _project(call), call.body, call.path["view"]
    assert isinstance(wanted, NewView)
    if not re.fullmatch(r"[^\x00-\x1f/]{1,128}", name):
        raise UsageError("a view's name has 1 to 128 characters, and no slash")
    if "\0" in wanted.query:
        raise UsageError("an address has no NUL")
    view = SavedView(
        name, wanted.page, wanted.query, call.identity.name, int(time.time())
    )

    def work(connection: Connection) -> SavedView:
        _check_room(connection, project)
        row = {
            "project": project.id,
            "name": view.name,
            "page": view.page,
            "query": view.query,
            "who": view.who[:128],
            "created": view.created,
        }
        upsert(connection, SAVED_VIEWS, row, ("project", "name"))
        return view

    return call.store.state.transact(work)


def _check_room(connection: Connection, project: Project) -> None:
    counted = select(func.count()).where(_COLUMNS.project == project.id)
    if connection.execute(counted).scalar_one() >= _MOST:
        raise UsageError(
            f"{project} keeps {_MOST} views already", remedy="Remove some."
        )


def _remove(call: Call) -> None:
    project, name = _project(call), call.path["view"]

    def work(connection: Connection) -> None:
        done = connection.execute(
            delete(SAVED_VIEWS).where(
                _COLUMNS.project == project.id, _COLUMNS.name == name
            )
        )
        if not done.rowcount:
            raise MissingError(f"{project} keeps no view {name[:128]!r}")

    call.store.state.transact(work)


def _project(call: Call) -> Project:
    assert call.project is not None
    return call.project


HANDLERS: Mapping[str, Handler] = {
    "list_views": _list,
    "remove_view": _remove,
    "save_view": _save,
}
