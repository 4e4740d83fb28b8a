"""The address space: the core's segments joined with the mapped files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence, Set
from collections.abc import Mapping as MappingType
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.facts import MappedFile, StartPlaces
from coresnap.model import Mapping

if TYPE_CHECKING:
    from coresnap.elfcore.process_state import MappingState

__all__ = ["join_mappings"]

_LAST_ADDRESS = (1 << 64) - 1
_FLAGS = ((4, "r"), (2, "w"), (1, "x"))


def join_mappings(
    loads: Sequence[ProgramHeader],
    files: Sequence[MappedFile],
    places: StartPlaces,
    pointer_size: int,
    file_size: int,
    *,
    regions: Sequence[MappingState] = (),
    kernel_starts: Set[int] | None = None,
) -> tuple[Mapping, ...]:
    """Mappings by start address.

    ``kernel_starts`` are the mappings' first addresses, where one of them may be
    several segments: those are joined again.

    ``regions`` are the kernel's own list, where it is in the core: those that no
    segment covers are mappings, too, and the pieces by which a stack grew are one.
    Without one a file mapping that no segment covers gets the permissions ``???``: the
    core does not say. ``[vdso]`` and ``[stack]`` are named as in ``/proc/PID/maps``.
    """
    limit = 1 << 8 * pointer_size
    starts = [file.start for file in files]
    special = {places.vdso: "[vdso]", places.stack: "[stack]"}
    special.pop(None, None)
    mappings = []
    for load in loads:
        end = min(load.vaddr + max(load.memsz, load.filesz), limit)
        if load.vaddr >= end:
            continue
        index = bisect_right(starts, load.vaddr) - 1
        file = files[index] if index >= 0 else None
        if file is not None and load.vaddr >= file.end:
            file = None
        mappings.append(_mapping(load, end, file, special, file_size))
    mappings += _not_dumped({mapping.start for mapping in mappings}, files, regions)
    mappings.sort(key=lambda m: m.start)
    if kernel_starts is not None:
        mappings = _rejoined(mappings, kernel_starts)
    grown = _grown(regions)
    if grown:
        mappings = _rejoined(mappings, {m.start for m in mappings} - grown)
    return tuple(mappings)


def _not_dumped(
    dumped: Set[int], files: Sequence[MappedFile], regions: Iterable[MappingState]
) -> list[Mapping]:
    """What is mapped, and has no segment that begins where it begins."""
    permissions = {region.start: region for region in regions}
    mappings = []
    for file in files:
        region = permissions.pop(file.start, None)
        if file.start not in dumped:
            allowed = region.permissions if region is not None else "???"
            mappings.append(
                Mapping(file.start, file.end, allowed, file.offset, file.display_path)
            )
    mappings += [
        Mapping(region.start, region.end, region.permissions)
        for region in permissions.values()
        if region.start not in dumped
    ]
    return mappings


def _grown(regions: Sequence[MappingState]) -> set[int]:
    """Where a stack that grows down had its end before: FreeBSD's kernel lists what it
    added each time (``sys/vm/vm_map.c``, ``vm_map_growstack``)."""
    return {
        region.start
        for below, region in pairwise(regions)
        if below.end == region.start
        and "grows-down" in below.flags
        and "grows-down" in region.flags
    }


def _rejoined(mappings: Sequence[Mapping], starts: Set[int]) -> list[Mapping]:
    joined: list[Mapping] = []
    for mapping in mappings:
        is_part = mapping.start not in starts
        if joined and is_part and _continues(joined[-1], mapping):
            last = joined.pop()
            path = last.path or mapping.path
            stored = last.stored + mapping.stored
            mapping = msgspec.structs.replace(
                last, end=mapping.end, stored=stored, path=path
            )
        joined.append(mapping)
    return joined


def _continues(last: Mapping, mapping: Mapping) -> bool:
    return last.end == mapping.start and last.permissions == mapping.permissions


def _mapping(
    load: ProgramHeader,
    end: int,
    file: MappedFile | None,
    special: MappingType[int | None, str],
    file_size: int,
) -> Mapping:
    permissions = "".join(c if load.flags & bit else "-" for bit, c in _FLAGS)
    stored = max(0, min(load.filesz, file_size - load.offset))
    # A damaged segment may reach beyond the last address.
    end = min(end, _LAST_ADDRESS)
    if file is not None:
        offset = file.offset + load.vaddr - file.start & _LAST_ADDRESS
        return Mapping(load.vaddr, end, permissions, offset, file.display_path, stored)
    names = [n for a, n in special.items() if a is not None and load.vaddr <= a < end]
    return Mapping(
        load.vaddr, end, permissions, None, names[0] if names else None, stored
    )
