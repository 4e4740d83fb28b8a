"""Which printer presents a type: those of the project, then those that come along."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coresnap.analysis.pretty.presentation import Present
    from coresnap.analysis.pretty.value import ValueType
    from coresnap.analysis.values.decode import ValueDecoder
    from coresnap.analysis.values.scalars import Read

__all__ = ["Printers"]

_FAMILIES = (
    ("std::", ("cplusplus", "rust")),
    ("__gnu_cxx::", ("cplusplus",)),
    ("__gnu_debug::", ("cplusplus",)),
    ("alloc::", ("rust",)),
    ("core::", ("rust",)),
    ("hashbrown::", ("rust",)),
    ("&", ("rust",)),
    ("(", ("rust",)),
    ("*", ("rust",)),
    ("_G", ("glib",)),
)
"""How the names of a library's types begin, and the modules that know them."""


class Printers:
    """The printers of one analysis. What no type needs is not imported."""

    def reader(
        self, decoder: ValueDecoder, handle: int, name: str, raw: Read
    ) -> Read | None:
        """A reader that presents values of a type; None: they are shown as they are.

        ``raw`` reads them as they are.
        """
        present = self._find(decoder, handle, name)
        if present is None:
            return None
        from coresnap.analysis.pretty.reader import PrettyReader
        from coresnap.analysis.pretty.value import ValueType

        return PrettyReader(decoder, ValueType(decoder, handle), present, raw).read

    def _find(self, decoder: ValueDecoder, handle: int, name: str) -> Present | None:
        for prefix, modules in _FAMILIES:
            if name.startswith(prefix):
                from coresnap.analysis.pretty.value import ValueType

                type = ValueType(decoder, handle)
                found = (_family(module)(type) for module in modules)
                return next(filter(None, found), None)
        return None


def _family(name: str) -> Callable[[ValueType], Present | None]:
    module = importlib.import_module(f"coresnap.analysis.pretty.{name}")
    find: Callable[[ValueType], Present | None] = module.present
    return find
