"""Which printer presents a type: those of the project, then those that come along."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from coresnap.analysis.pretty.presentation import Present, Printer
from coresnap.analysis.pretty.value import ValueType

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder
    from coresnap.analysis.values.scalars import Read

__all__ = ["Printers"]

_FAMILIES = (
    ("std::", ("cplusplus",)),
    ("__gnu_cxx::", ("cplusplus",)),
)
"""How the names of a library's types begin, and the modules that know them."""


class Printers:
    """The printers of one analysis. Libraries that no type is of are not imported."""

    def __init__(self) -> None:
        self._families: dict[str, Mapping[str, Printer]] = {}

    def reader(
        self, decoder: ValueDecoder, handle: int, name: str, raw: Read
    ) -> Read | None:
        """A reader that presents values of a type; None: they are shown as they are.

        ``raw`` reads them as they are.
        """
        present = self._find(decoder, handle, name)
        if present is None:
            return None
        # Not before: most programs in C have no such type.
        from coresnap.analysis.pretty.reader import PrettyReader

        return PrettyReader(decoder, ValueType(decoder, handle), present, raw).read

    def _find(self, decoder: ValueDecoder, handle: int, name: str) -> Present | None:
        for prefix, modules in _FAMILIES:
            if name.startswith(prefix):
                return self._of_library(ValueType(decoder, handle), modules)
        return None

    def _of_library(self, type: ValueType, modules: Sequence[str]) -> Present | None:
        for module in modules:
            printer = self._family(module).get(type.bare_name)
            present = printer(type) if printer is not None else None
            if present is not None:
                return present
        return None

    def _family(self, name: str) -> Mapping[str, Printer]:
        family = self._families.get(name)
        if family is None:
            module = importlib.import_module(f"coresnap.analysis.pretty.{name}")
            family = self._families[name] = module.PRINTERS
        return family
