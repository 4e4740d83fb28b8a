"""Rust's standard library, from 1.60 or so on."""

from __future__ import annotations

from coresnap.analysis.pretty.presentation import Present
from coresnap.analysis.pretty.rust import (
    cells,
    collections,
    pointers,
    tables,
    texts,
    times,
    trees,
)
from coresnap.analysis.pretty.value import ValueType

__all__ = ["present"]

_PRINTERS = (
    texts.PRINTERS
    | collections.PRINTERS
    | tables.PRINTERS
    | trees.PRINTERS
    | pointers.PRINTERS
    | cells.PRINTERS
    | times.PRINTERS
)


def present(type: ValueType) -> Present | None:
    """How values of the type are presented; None if it is not one of the library's."""
    printer = _PRINTERS.get(type.bare_name)
    found = printer(type) if printer is not None else None
    return found or collections.unnamed(type)
