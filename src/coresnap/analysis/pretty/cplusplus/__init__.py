"""The C++ standard library, as libstdc++ and libc++ lay it out."""

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

__all__ = ["PRINTERS"]

PRINTERS = (
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
"""Name of a type, without arguments, to the printer that knows it."""
