"""The parts of a fault's page beside threads and frames."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.views.fault.fault import Fault

__all__ = ["SECTIONS", "Section", "sections_of"]


class Section(msgspec.Struct, frozen=True):
    """One part; ``pieces/sections/NAME.html`` shows it."""

    name: str
    title: str
    is_present: Callable[[Fault], bool]


def _has_heap(fault: Fault) -> bool:
    snapshot = fault.snapshot
    return bool(snapshot.heaps or snapshot.blocks or snapshot.aliases)


def _has_files(fault: Fault) -> bool:
    process = fault.process
    return bool(process.directory or process.umask or process.descriptors)


SECTIONS = (
    Section("verdict", "Verdict", lambda fault: True),
    Section("warnings", "Warnings", lambda fault: bool(fault.remarks)),
    Section("registers", "Registers", lambda fault: bool(fault.groups)),
    Section("memory", "Memory", lambda fault: bool(fault.memory.extents)),
    Section("heap", "Heap", _has_heap),
    Section("globals", "Globals", lambda fault: bool(fault.globals)),
    Section("modules", "Modules", lambda fault: bool(fault.snapshot.modules)),
    Section("mappings", "Mappings", lambda fault: bool(fault.snapshot.mappings)),
    Section("files", "Files", _has_files),
    Section("limits", "Limits", lambda fault: bool(fault.process.limits)),
    Section(
        "environment", "Environment", lambda fault: bool(fault.process.environment)
    ),
    Section("attributes", "Attributes", lambda fault: bool(fault.snapshot.attributes)),
    Section("quality", "Quality", lambda fault: True),
    Section("kept", "Kept files", lambda fault: bool(fault.snapshot.assets)),
)
"""In the order of the page."""


def sections_of(fault: Fault) -> tuple[Section, ...]:
    """Return the sections that have something to show."""
    return tuple(section for section in SECTIONS if section.is_present(fault))
