"""Which printer presents a type: those of the project, then those that come along."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from coresnap.model import Note

if TYPE_CHECKING:
    from types import ModuleType

    from coresnap.analysis.pretty.presentation import Present, Printer
    from coresnap.analysis.values.decode import ValueDecoder
    from coresnap.analysis.values.scalars import Read

__all__ = ["GROUP", "Printers"]

GROUP = "coresnap.pretty"
"""Entry point group; each entry names a printer."""

_FAMILIES = (
    ("std::", "cplusplus"),
    ("__gnu_cxx::", "cplusplus"),
    ("__gnu_debug::", "cplusplus"),
    ("_G", "glib"),
)
"""How the names of a library's types begin, and the module that knows them."""

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
        from coresnap.analysis.pretty.types import ValueType

        return PrettyReader(decoder, ValueType(decoder, handle), present, raw).read

    def _find(self, decoder: ValueDecoder, handle: int, name: str) -> Present | None:
        if self._own is None:
            self._own = self._load()
        family = _family_of(decoder, handle, name)
        if family is None and not self._own:
            return None
        from coresnap.analysis.pretty.presentation import UNFIT
        from coresnap.analysis.pretty.types import ValueType

        type = ValueType(decoder, handle)
        own = next(filter(None, (printer(type) for printer in self._own)), None)
        if own is not None or family is None:
            return own
        module = _library(family)
        try:
            found: Present | None = module.present(type)
        except UNFIT:
            return None  # incomplete or damaged: the raw view says how
        return found

    def _load(self) -> list[Printer]:
        from coresnap.analysis.entry_points import installed

        printers = self._added
        if self._installed:
            others, notes = installed(GROUP)
            printers = printers | others
            self._notes |= {note.message: note for note in notes}
        if not printers:
            return []
        from coresnap.analysis.pretty.guarded import guarded

        return [guarded(n, p, self._complain) for n, p in printers.items()]

    def _complain(self, message: str) -> None:
        if len(self._notes) < _NOTE_LIMIT:
            self._notes[message] = Note("pretty", message)


def _library(family: str) -> ModuleType:
    return importlib.import_module(f"coresnap.analysis.pretty.{family}")


def _family_of(decoder: ValueDecoder, handle: int, name: str) -> str | None:
    """The module that may know the type; None if none does."""
    if decoder.graph.is_rust(handle):
        return "rust"
    return next((f for prefix, f in _FAMILIES if name.startswith(prefix)), None)
