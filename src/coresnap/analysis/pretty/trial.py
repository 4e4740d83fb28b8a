"""Trying a printer where there is no process any more: on a snapshot, or on a core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.pretty.guarded import guarded
from coresnap.analysis.pretty.presentation import Present, Printer
from coresnap.analysis.pretty.printers import Printers
from coresnap.analysis.pretty.reader import PrettyReader
from coresnap.analysis.pretty.stored import StoredType, StoredValue
from coresnap.analysis.pretty.stored_process import StoredProcess, walk
from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.values.limits import ValueLimits
from coresnap.errors import SnapshotFormatError
from coresnap.model import Snapshot, Thread, Variable, VariableKind
from coresnap.snapshot.container import read_snapshot

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder
    from coresnap.analysis.values.scalars import Read

__all__ = ["Presented", "Trial", "try_printer"]


class Presented(msgspec.Struct, frozen=True):
    """One value that the printer presented."""

    place: str
    """``thread 4242 #1 main: node.next``."""
    variable: Variable


class Trial(msgspec.Struct, frozen=True):
    """What became of a printer."""

    presented: tuple[Presented, ...]
    problems: tuple[str, ...]
    """What the printer raised, each once."""


def try_printer(printer: Printer, source: Snapshot | str | os.PathLike[str]) -> Trial:
    """Have ``printer`` present every value of its types in a snapshot or core.

    ``source`` is a snapshot, or the path of a snapshot or core. A core is read with
    debug information, as for an analysis. Of a snapshot the printer sees the variables
    and memory that were kept; what is missing there makes that value's text say so.
    Raises what ``read_snapshot`` and ``analyze`` do.
    """
    problems: dict[str, None] = {}
    name = getattr(printer, "__name__", "printer")
    checked = guarded(name, printer, lambda text: problems.setdefault(text, None))
    found = tuple(_on_either(checked, source))
    return Trial(found, tuple(problems))


def _on_either(
    printer: Printer, source: Snapshot | str | os.PathLike[str]
) -> Iterator[Presented]:
    if isinstance(source, Snapshot):
        return _on_snapshot(printer, source)
    try:
        snapshot = read_snapshot(source)
    except SnapshotFormatError:
        return _on_core(printer, source)
    return _on_snapshot(printer, snapshot)


def _on_snapshot(printer: Printer, snapshot: Snapshot) -> Iterator[Presented]:
    limits = ValueLimits()
    process = StoredProcess(snapshot, limits)
    for place, variable in walk(snapshot.threads, snapshot.globals):
        if variable.missing is not None or not variable.members:
            continue
        type = StoredType(process, variable.type, variable)
        present = printer(type)
        if present is not None:
            process.allowance.begin(limits)
            yield Presented(place, _presented(process, type, present, variable))


def _presented(
    process: StoredProcess, type: StoredType, present: Present, variable: Variable
) -> Variable:
    reader = PrettyReader(type.decoder, type, present, _no_bytes)
    value = StoredValue(process, variable)
    return reader.present(value, variable.name, variable.kind, lambda: variable)


def _no_bytes(
    name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
) -> Variable:
    raise AssertionError("a snapshot's values are not read from bytes")


class _Recording(Printers):
    """The printers of an analysis, with one more whose results are remembered."""

    def __init__(self, printer: Printer) -> None:
        super().__init__(installed=False)
        self._printer = printer
        self.seen: set[int] = set()
        self._kept: list[Variable] = []

    def reader(
        self, decoder: ValueDecoder, handle: int, name: str, raw: Read
    ) -> Read | None:
        """As its base, but for the printer that is tried."""
        type = ValueType(decoder, handle)
        present = self._printer(type)
        if present is None:
            return super().reader(decoder, handle, name, raw)
        read = PrettyReader(decoder, type, present, raw).read

        def remember(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            found = read(name, kind, data, offset, address)
            self._kept.append(found)  # keeps the id from being given again
            self.seen.add(id(found))
            return found

        return remember


def _on_core(printer: Printer, path: str | os.PathLike[str]) -> Iterator[Presented]:
    from coresnap.analysis.debuginfo.files import DebugFiles
    from coresnap.analysis.frames import FrameBuilder
    from coresnap.analysis.unwind.unwinder import Unwinder
    from coresnap.elfcore.corefile import open_core

    printers = _Recording(printer)
    with DebugFiles() as files, open_core(path) as core:
        builder = FrameBuilder(core, debug_files=files, printers=printers)
        unwinder = Unwinder(core, debug_file=files.separate_elf)
        for raw in core.threads:
            stack = unwinder.unwind(raw.registers)
            thread = Thread(raw.tid, False, stack.end, frames=builder.frames(stack))
            for place, variable in walk([thread]):
                if id(variable) in printers.seen:
                    yield Presented(place, variable)
