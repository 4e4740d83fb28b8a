"""Which symbol files would make a snapshot more readable."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from coresnap.model import Module, Snapshot

__all__ = ["ATTRIBUTE", "MissingSymbols", "missing_symbols"]

ATTRIBUTE = "symbols.missing"
"""Build-ids of the modules that frames stand in and that could not be read whole,
separated by spaces, those nearest to the fault first."""

_MOST = 32
_LONGEST = 256
_BUILD_ID = re.compile(r"(?:[0-9a-f]{2}){3,64}")
_KINDS = {"none": "executable", "dynsym": "debuginfo", "symtab": "debuginfo"}
_VDSO = "[vdso]"


class MissingSymbols(msgspec.Struct, frozen=True):
    """One module that could be read better."""

    build_id: str
    path: str
    """As the process had mapped it."""
    wanted: str
    """``executable`` (and its debug information), or ``debuginfo`` alone."""
    reason: str
    """Why it was not read: what was looked for, and what was wrong with it."""


def missing_symbols(snapshot: Snapshot) -> tuple[MissingSymbols, ...]:
    """Return what a snapshot's frames are missing, the crashed thread's first."""
    modules = {module.path: module for module in snapshot.modules}
    found: dict[str, MissingSymbols] = {}
    for path in _paths(snapshot):
        module = modules.get(path)
        if module is None or module.symbols == "dwarf" or path == _VDSO:
            continue
        if module.build_id is None or not _BUILD_ID.fullmatch(module.build_id):
            continue
        found.setdefault(module.build_id, _missing(module))
        if len(found) == _MOST:
            break
    return tuple(found.values())


def _paths(snapshot: Snapshot) -> Iterator[str]:
    for thread in snapshot.threads:
        for frame in thread.frames:
            if frame.module is not None:
                yield frame.module


def _missing(module: Module) -> MissingSymbols:
    assert module.build_id is not None
    return MissingSymbols(
        module.build_id,
        module.path[:_LONGEST],
        _KINDS.get(module.symbols, "debuginfo"),
        _reason(module)[:_LONGEST],
    )


def _reason(module: Module) -> str:
    """The module's problem; else what came of the last search."""
    if module.problem is not None:
        return module.problem
    for search in reversed(module.searches):
        if search.result != "used":
            return f"{search.place} {search.result}"
    return f"only {module.symbols} was found"
