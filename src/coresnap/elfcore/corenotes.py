"""Collects the notes of a core, and finds them again where a damaged one hides them.

A note's size leads to the next one, so one damaged size loses all that follow. The
owner's name stands in every header: when the walk ends early, the names are looked for.
"""

from __future__ import annotations

import re
import struct

import msgspec

from coresnap.elfcore.corelayout import CoreLayout
from coresnap.elfcore.elffile import PT_NOTE
from coresnap.elfcore.notewalk import RawNote, walk_notes

__all__ = ["CoreNotes", "read_notes"]

NT_PRSTATUS = 1
_PRSTATUS_LEAST = 72
"""Bytes before pr_reg in the smallest elf_prstatus (70 on m68k, padded); FreeBSD's
smallest prstatus_t has 96 (arm)."""
_NOTES_LIMIT = 1 << 28
_SEARCH_LIMIT = 1 << 24
_OWNER = rb"(CORE|LINUX|FreeBSD)\0"
_LINUX_TYPES = frozenset({1, 2, 3, 4, 6, 0x46494C45, 0x53494749, 0x46E62B7F})
_TYPES = {b"FreeBSD": range(1, 0x100), b"CORE": _LINUX_TYPES, b"LINUX": _LINUX_TYPES}
_MACHINE_TYPES = range(0x100, 0x1000)


class CoreNotes(msgspec.Struct, frozen=True, eq=False):
    """The notes; their offsets count from the start of the core file."""

    notes: tuple[RawNote, ...]
    problems: tuple[str, ...]


def read_notes(data: memoryview, layout: CoreLayout) -> CoreNotes:
    """Collect the notes of every PT_NOTE; search for them if those are damaged."""
    notes: list[RawNote] = []
    problems: list[str] = []
    for segment in layout.program_headers:
        if segment.type != PT_NOTE:
            continue
        end = min(segment.offset + min(segment.filesz, _NOTES_LIMIT), len(data))
        part = data[segment.offset : end] if segment.offset < len(data) else data[:0]
        walk = walk_notes(
            part, align=segment.align, byte_order=layout.header.byte_order
        )
        found = _at_file_offsets(walk.notes, segment.offset)
        if walk.truncated or _is_damaged(found):
            found, problem = _search(data, layout, segment.offset, found)
            problems.append(problem)
        notes.extend(found)
    if not notes:
        notes, problem = _search(data, layout, layout.table_end, [])
        problems.append(problem)
    return CoreNotes(tuple(notes), tuple(problems))


def _at_file_offsets(notes: tuple[RawNote, ...], offset: int) -> list[RawNote]:
    return [RawNote(n.name, n.type, n.offset + offset, n.size) for n in notes]


def _is_damaged(notes: list[RawNote]) -> bool:
    return any(
        not note.name
        or (
            note.name in (b"CORE", b"FreeBSD")
            and note.type == NT_PRSTATUS
            and note.size < _PRSTATUS_LEAST
        )
        for note in notes
    )


def _search(
    data: memoryview, layout: CoreLayout, start: int, walked: list[RawNote]
) -> tuple[list[RawNote], str]:
    """Notes by their owners' names, or the walked ones if those are more."""
    if not layout.table_end <= start < len(data):
        start = layout.table_end
    offsets = [p.offset for p in layout.loads if p.filesz and p.offset > start]
    end = min([start + _SEARCH_LIMIT, len(data), *offsets])
    found = _notes_by_name(data[start:end], layout.header.byte_order)
    found = [RawNote(n.name, n.type, n.offset + start, n.size) for n in found]
    if len(found) <= len(walked) and not _is_damaged(walked):
        return walked, f"the notes are damaged or cut; {len(walked)} could be read"
    return found, f"the notes are damaged; {len(found)} were found by their owner"


def _notes_by_name(data: memoryview, byte_order: str) -> list[RawNote]:
    header = struct.Struct(">II" if byte_order == "big" else "<II")
    heads: list[tuple[int, bytes, int, int]] = []
    for match in re.finditer(_OWNER, data):
        name = match.start()
        if name < 12 or name % 4:
            continue
        size, kind = header.unpack_from(data, name - 8)
        if kind in _TYPES[match[1]] or kind in _MACHINE_TYPES:
            heads.append((name, match[1], size, kind))
    notes = []
    for index, (name, owner, size, kind) in enumerate(heads):
        start = name + (len(owner) + 4 & ~3)
        following = heads[index + 1][0] - 12 if index + 1 < len(heads) else len(data)
        room = max(0, following - start)
        # A size too small for its type is a damaged one: the next note tells better.
        if kind == NT_PRSTATUS and size < _PRSTATUS_LEAST:
            size = room
        notes.append(RawNote(owner, kind, start, min(size, room)))
    return notes
