"""Printers by name, imported when a type needs them."""

from __future__ import annotations

import importlib

from coresnap.analysis.pretty.presentation import Printer

__all__ = ["printer_of"]


def printer_of(package: str, name: str | None) -> Printer | None:
    """The function ``module.function`` of a package; None for None."""
    if name is None:
        return None
    module, _, function = name.rpartition(".")
    found: Printer = getattr(importlib.import_module(f"{package}.{module}"), function)
    return found
