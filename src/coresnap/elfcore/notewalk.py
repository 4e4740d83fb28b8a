"""Walks the notes of a PT_NOTE segment: in C where it could be compiled, else here.

``walk_notes`` is the one of the two that was chosen at import. A note is three 32-bit
words (name size, description size, type), the name, padding, the description,
padding; the same in ELF32 and ELF64 (gABI, "Note Section"). The gABI's padding to 8
in ELF64 is not what anyone writes: everything is padded to 4, unless the segment's own
p_align is 8 (linux-abi, ``.note.gnu.property``). p_align 0, as the Linux kernel wrote
for decades, means 4.
"""

from __future__ import annotations

import struct

import msgspec

try:
    from coresnap._native import ffi, lib
except ImportError:  # no compiler was there: the twin below serves
    lib = None  # type: ignore[assignment]

__all__ = ["NOTE_LIMIT", "NoteWalk", "RawNote", "walk_notes", "walk_notes_python"]

NOTE_LIMIT = 1 << 20
"""Notes at most: a quarter of a million threads; a hostile file claims any number."""

_HEADER_SIZE = 12
_BATCH = 256


class RawNote(msgspec.Struct, frozen=True):
    """One note, not interpreted."""

    name: bytes
    """Owner, without the terminating NUL: ``CORE``, ``LINUX``, ``FreeBSD``."""
    type: int
    offset: int
    """Bytes from the start of the walked data to the description."""
    size: int
    """Bytes of the description, without padding."""


class NoteWalk(msgspec.Struct, frozen=True):
    """All notes of one segment, in file order."""

    notes: tuple[RawNote, ...]
    truncated: bool
    """The last note does not fit into the data, or there are more than NOTE_LIMIT."""


def walk_notes_python(
    data: bytes | memoryview, *, align: int, byte_order: str
) -> NoteWalk:
    """Walk ``data``; ``align`` is p_align, ``byte_order`` ``little`` or ``big``."""
    size = len(data)
    header = struct.Struct(">III" if byte_order == "big" else "<III")
    padding = 8 if align == 8 else 4
    notes: list[RawNote] = []
    position = 0
    while position < size:
        if size - position < _HEADER_SIZE:
            return NoteWalk(tuple(notes), any(data[position:]))
        if len(notes) == NOTE_LIMIT:
            return NoteWalk(tuple(notes), True)
        name_size, description_size, note_type = header.unpack_from(data, position)
        name_start = position + _HEADER_SIZE
        name_end = name_start + name_size
        start = _align_up(name_end, padding)
        if not description_size and name_end <= size:
            start = min(start, size)
        if start + description_size > size:
            return NoteWalk(tuple(notes), True)
        name = _owner(data[name_start:name_end])
        notes.append(RawNote(name, note_type, start, description_size))
        position = _align_up(start + description_size, padding)
    return NoteWalk(tuple(notes), False)


def _align_up(value: int, align: int) -> int:
    return (value + align - 1) & -align


def _owner(name: bytes | memoryview) -> bytes:
    return bytes(name).removesuffix(b"\0")


def _walk_notes_native(
    data: bytes | memoryview, *, align: int, byte_order: str
) -> NoteWalk:
    batch = ffi.new("struct elf_note[]", _BATCH)
    position = ffi.new("size_t *")
    found = ffi.new("size_t *")
    source = ffi.from_buffer(data)
    notes: list[RawNote] = []
    while True:
        room = min(_BATCH, NOTE_LIMIT - len(notes))
        error = lib.elf_notes_walk(
            source,
            len(data),
            # Only 8 is special, and p_align may not fit into 32 bits.
            8 if align == 8 else 4,
            byte_order == "big",
            batch,
            room,
            position,
            found,
        )
        for note in batch[0 : found[0]]:
            start = note.name_offset
            name = _owner(data[start : start + note.name_size])
            notes.append(
                RawNote(name, note.type, note.description_offset, note.description_size)
            )
        if error:
            return NoteWalk(tuple(notes), True)
        if found[0] < room or not room:
            rest = position[0] < len(data)
            return NoteWalk(tuple(notes), rest)


walk_notes = walk_notes_python if lib is None else _walk_notes_native
