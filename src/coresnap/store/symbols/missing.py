"""Which symbol files would make a snapshot more readable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from coresnap.model import Module, Thread

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


def missing_symbols(
    threads: Iterable[Thread], modules: Iterable[Module]
) -> tuple[MissingSymbols, ...]:
    """Return what a snapshot's frames are missing, the first thread's first."""
    by_path = {module.path: module for module in modules}
    found: dict[str, MissingSymbols] = {}
    for path in _paths(threads):
        module = by_path.get(path)
        if module is None or module.symbols == "dwarf" or path == _VDSO:
            continue
        if module.build_id is None or not _BUILD_ID.fullmatch(module.build_id):
            continue
        found.setdefault(module.build_id, _missing(module))
        if len(found) == _MOST:
            break
    return tuple(found.values())


def _paths(threads: Iterable[Thread]) -> Iterator[str]:
    for thread in threads:
        for frame in thread.frames:
            if frame.module is not None:
                yield frame.module


def _missing(module: Module) -> MissingSymbols:
    assert module.build_id is not None
    return MissingSymbols(
        module.build_id,
        _clean(module.path),
        _KINDS.get(module.symbols, "debuginfo"),
        _clean(_reason(module)),
    )


def _clean(text: str) -> str:
    # PostgreSQL holds no NUL.
    return text[:_LONGEST].replace("\0", "?")


def _reason(module: Module) -> str:
    """The module's problem; else what came of the last search."""
    if module.problem is not None:
        return module.problem
    for search in reversed(module.searches):
        if search.result != "used":
            return f"{search.place} {search.result}"
    return f"only {module.symbols} was found"
