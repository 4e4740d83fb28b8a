"""Symbol files, and what faults are missing."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from coresnap.errors import MissingError, UsageError
from coresnap.store.api.symbols import (
    NeededSymbols,
    NeededSymbolsList,
    SentSymbols,
    StoredSymbols,
    StoredSymbolsList,
)
from coresnap.store.attributes.known import known
from coresnap.store.server.call import Call, Content, Handler, Staged
from coresnap.store.server.server import Server
from coresnap.store.symbols.faults_waiting import count_waiting
from coresnap.store.symbols.files import (
    KeptSymbols,
    being_applied,
    keep_symbols,
    kept_symbols,
    remove_symbols,
)
from coresnap.store.symbols.needs import symbols_needed

__all__ = ["handlers"]

_LISTED = 100
_MOST_LISTED = 1000
_BUILD_ID = re.compile(r"(?:[0-9a-f]{2}){3,64}")


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers; files that are sent are read by the server's children."""
    return {
        "send_symbols": lambda call: _send(server, call),
        "list_symbols": _list,
        "missing_symbols": _missing,
        "get_symbols": _get,
        "delete_symbols": _delete,
    }


def _send(server: Server, call: Call) -> SentSymbols:
    assert call.project is not None
    assert isinstance(call.body, Staged)
    store, project = call.store, call.project
    file = server.validators.read_symbols(call.body)
    name = str(call.parameters.get("name", ""))
    kept, is_duplicate = keep_symbols(
        store, project, file, call.body, name, call.identity.name
    )
    with store.state.read() as connection:
        attributes = known(connection, project)
    faults = count_waiting(store, project, kept.build_id, attributes)
    return SentSymbols(kept.build_id, kept.kind, is_duplicate, faults)


def _list(call: Call) -> StoredSymbolsList:
    assert call.project is not None
    with call.store.state.read() as connection:
        found = kept_symbols(connection, call.project)
        waiting = being_applied(connection, call.project)
    return StoredSymbolsList(
        tuple(
            StoredSymbols(**attrs.asdict(one), is_being_applied=one.build_id in waiting)
            for one in found
        )
    )


def _missing(call: Call) -> NeededSymbolsList:
    assert call.project is not None
    limit = int(call.parameters.get("limit", _LISTED))
    if not 0 < limit <= _MOST_LISTED:
        raise UsageError(f"limit is 1 to {_MOST_LISTED}")
    with call.store.state.read() as connection:
        attributes = known(connection, call.project)
    needs = symbols_needed(call.store, call.project, attributes, limit)
    return NeededSymbolsList(tuple(NeededSymbols(**attrs.asdict(n)) for n in needs))


def _get(call: Call) -> Content:
    assert call.project is not None
    project, objects = call.project, call.store.objects
    with call.store.state.read() as connection:
        found = kept_symbols(connection, project, [_build_id(call)])
    kept = next((one for one in found if one.kind == call.path["kind"]), None)
    if kept is None:
        raise MissingError("there is no such symbol file")
    return Content(
        lambda start, size: objects.open(kept.key(project), start, size),
        kept.size,
        kept.digest,
        name=_file_name(kept),
    )


def _file_name(kept: KeptSymbols) -> str:
    return f"{kept.build_id}.{'debug' if kept.kind == 'debuginfo' else 'elf'}"


def _delete(call: Call) -> None:
    assert call.project is not None
    remove_symbols(call.store, call.project, _build_id(call))


def _build_id(call: Call) -> str:
    build_id = call.path["build_id"]
    if not _BUILD_ID.fullmatch(build_id):
        raise MissingError("that is no build-id: hex digits, two for each byte")
    return build_id
