"""Printers by name, imported when a type needs them."""

from __future__ import annotations

import importlib

from coresnap.analysis.pretty.presentation import Printer

__all__ = ["import_all", "printer_of"]


def import_all() -> None:
    """Import the printers of all libraries, for a process whose children analyse."""
    from coresnap.analysis.pretty import cplusplus, rust

    for library in (cplusplus, rust):
        for function in library.PRINTERS.values():
            printer_of(library.__name__, function)
    importlib.import_module("coresnap.analysis.pretty.glib")
    importlib.import_module("coresnap.analysis.pretty.reader")


def printer_of(package: str, name: str | None) -> Printer | None:
    """The function ``module.function`` of a package; None for None."""
    if name is None:
        return None
    module, _, function = name.rpartition(".")
    found: Printer = getattr(importlib.import_module(f"{package}.{module}"), function)
    return found
