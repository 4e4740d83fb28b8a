"""Symbol files by build-id: sending them, and which ones faults are missing."""

from __future__ import annotations

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint, Parameter

__all__ = [
    "DELETE_SYMBOLS",
    "ENDPOINTS",
    "GET_SYMBOLS",
    "LIST_SYMBOLS",
    "MISSING_SYMBOLS",
    "SEND_SYMBOLS",
    "NeededSymbols",
    "NeededSymbolsList",
    "SentSymbols",
    "StoredSymbols",
    "StoredSymbolsList",
]


class StoredSymbols(msgspec.Struct, frozen=True):
    """One symbol file."""

    build_id: str
    kind: str
    """``executable`` or ``debuginfo``."""
    name: str
    machine: str
    has_debug_information: bool
    size: int
    digest: str
    sent: int
    """Seconds, UTC since the epoch."""
    sender: str
    is_being_applied: bool = False
    """Faults are still to be read again with it."""


class SentSymbols(msgspec.Struct, frozen=True):
    """What became of a file that was sent."""

    build_id: str
    kind: str
    is_duplicate: bool
    faults: int
    """That miss this build-id, and are read again now."""


class StoredSymbolsList(msgspec.Struct, frozen=True):
    """All symbol files of a project, by name."""

    symbols: tuple[StoredSymbols, ...]


class NeededSymbols(msgspec.Struct, frozen=True):
    """A build-id whose symbols would make faults more readable."""

    build_id: str
    path: str
    wanted: str
    """``executable`` (and its debug information), or ``debuginfo`` alone."""
    reason: str
    """What was looked for, and why it was not used."""
    faults: int


class NeededSymbolsList(msgspec.Struct, frozen=True):
    """What a project's faults miss, the most wanted first."""

    symbols: tuple[NeededSymbols, ...]


SEND_SYMBOLS = Endpoint[msgspec.Struct, SentSymbols](
    operation="send_symbols",
    method="POST",
    path=f"{SCOPE}/symbols",
    capability=Capability.SYMBOLS,
    summary="Keep an executable, a library or a debug file, by its build-id.",
    takes_bytes=True,
    answer=SentSymbols,
    parameters=(Parameter("name", str, "What people call the file."),),
)
LIST_SYMBOLS = Endpoint[msgspec.Struct, StoredSymbolsList](
    operation="list_symbols",
    method="GET",
    path=f"{SCOPE}/symbols",
    capability=Capability.QUERY,
    summary="List the project's symbol files.",
    answer=StoredSymbolsList,
)
MISSING_SYMBOLS = Endpoint[msgspec.Struct, NeededSymbolsList](
    operation="missing_symbols",
    method="GET",
    path=f"{SCOPE}/symbols/missing",
    capability=Capability.QUERY,
    summary="List the build-ids whose symbols the project's faults miss, and why.",
    answer=NeededSymbolsList,
    parameters=(Parameter("limit", int, "How many; 100 without it."),),
)
GET_SYMBOLS = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="get_symbols",
    method="GET",
    path=f"{SCOPE}/symbols/{{build_id}}/{{kind}}",
    capability=Capability.QUERY,
    summary="Return a symbol file, or a range of its bytes.",
    gives_bytes=True,
)
DELETE_SYMBOLS = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="delete_symbols",
    method="DELETE",
    path=f"{SCOPE}/symbols/{{build_id}}",
    capability=Capability.ADMIN,
    summary="Remove the files of a build-id; what was read with them stays.",
)

ENDPOINTS = (
    SEND_SYMBOLS,
    LIST_SYMBOLS,
    MISSING_SYMBOLS,
    GET_SYMBOLS,
    DELETE_SYMBOLS,
)
