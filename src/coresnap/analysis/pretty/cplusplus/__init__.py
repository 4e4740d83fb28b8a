"""The C++ standard library, as libstdc++ and libc++ lay it out."""

from __future__ import annotations

from coresnap.analysis.pretty.cplusplus import (
    facilities,
    linked,
    pointers,
    sequences,
    tables,
    texts,
    times,
    trees,
    wrappers,
)
from coresnap.analysis.pretty.presentation import Present
from coresnap.analysis.pretty.value import ValueType

__all__ = ["present"]

_PRINTERS = (
    texts.PRINTERS
    | sequences.PRINTERS
    | linked.PRINTERS
    | trees.PRINTERS
    | tables.PRINTERS
    | pointers.PRINTERS
    | wrappers.PRINTERS
    | times.PRINTERS
    | facilities.PRINTERS
)


def present(type: ValueType) -> Present | None:
    """How values of the type are presented; None if it is not one of the library's."""
    printer = _PRINTERS.get(type.bare_name)
    return printer(type) if printer is not None else None
