"""Which printer presents a type: those of the project, then those that come along."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from coresnap.analysis.values.types import CompoundType
from coresnap.model import Note

if TYPE_CHECKING:
    from coresnap.analysis.pretty.presentation import Present, Printer
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

_NOTE_LIMIT = 20


class Printers:
    """The printers of one analysis. What no type needs is not imported.

    ``added`` are asked first, by name; ``installed`` says whether those of other
    packages are, next.
    """

    def __init__(
        self, added: Mapping[str, Printer] | None = None, *, installed: bool = True
    ) -> None:
        self._added = dict(added or {})
        self._installed = installed
        self._own: list[Printer] | None = None
        self._notes: dict[str, Note] = {}

    def notes(self) -> tuple[Note, ...]:
        """Which printers failed, and how."""
        return tuple(self._notes.values())

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
        if self._own is None:
            self._own = self._load()
        if self._own:
            from coresnap.analysis.pretty.value import ValueType

            type = ValueType(decoder, handle)
            own = next(filter(None, (printer(type) for printer in self._own)), None)
            if own is not None:
                return own
        for prefix, modules in _FAMILIES:
            if name.startswith(prefix):
                from coresnap.analysis.pretty.value import ValueType

                type = ValueType(decoder, handle)
                found = (_family(module)(type) for module in modules)
                present = next(filter(None, found), None)
                if present is not None:
                    return present
        return self._enum(decoder, handle)

    def _enum(self, decoder: ValueDecoder, handle: int) -> Present | None:
        """Rust's enums have variants in place of members, in any crate."""
        found = decoder.graph.peeled(handle)
        if not isinstance(found, CompoundType) or found.members or not found.size:
            return None
        from coresnap.analysis.pretty.rust import enums
        from coresnap.analysis.pretty.value import ValueType

        return enums.present(ValueType(decoder, handle))

    def _load(self) -> list[Printer]:
        from coresnap.analysis.pretty.installed import installed_printers

        printers = self._added
        if self._installed:
            others, notes = installed_printers()
            printers = printers | others
            self._notes |= {note.message: note for note in notes}
        if not printers:
            return []
        from coresnap.analysis.pretty.guarded import guarded

        return [guarded(n, p, self._complain) for n, p in printers.items()]

    def _complain(self, message: str) -> None:
        if len(self._notes) < _NOTE_LIMIT:
            self._notes[message] = Note("pretty", message)


def _family(name: str) -> Callable[[ValueType], Present | None]:
    module = importlib.import_module(f"coresnap.analysis.pretty.{name}")
    find: Callable[[ValueType], Present | None] = module.present
    return find
