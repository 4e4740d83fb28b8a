"""Printers for a project's own types: the interface, and a way to try them.

See ``docs/pretty.md``. A package brings its printers along as entry points of the group
``coresnap.pretty``.
"""

from __future__ import annotations

from coresnap.analysis.pretty.presentation import (
    CorruptValueError,
    Present,
    Presentation,
    Printer,
)
from coresnap.analysis.pretty.trial import Presented, Trial, try_printer
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value

__all__ = [
    "CorruptValueError",
    "Present",
    "Presentation",
    "Presented",
    "Printer",
    "Slot",
    "Trial",
    "Value",
    "ValueType",
    "try_printer",
]
