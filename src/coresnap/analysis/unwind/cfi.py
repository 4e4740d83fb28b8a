"""Entries of .eh_frame and .debug_frame: CIEs and FDEs, parsed one at a time.

DWARF 5, section 6.4.1, and the LSB's .eh_frame (augmentations z, R, P, L, S, B).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec

from coresnap.analysis.expression.numbers import DecodeError, fixed, sleb128, uleb128
from coresnap.analysis.unwind.pointer_encoding import OMIT, PointerReader

__all__ = ["CallFrameSection", "Cie", "Fde"]

_ENTRY_LIMIT = 4_000_000
_EXTENDED_LENGTH = 0xFFFFFFFF
_DEBUG_CIE_IDS = {4: 0xFFFFFFFF, 8: 0xFFFFFFFFFFFFFFFF}
_ABSOLUTE_POINTER = 0x00


class Cie(msgspec.Struct, frozen=True, eq=False):
    """What many FDEs share."""

    code_alignment: int
    data_alignment: int
    return_address: int
    """DWARF register number of the return address column."""
    instructions: bytes
    pointer_encoding: int
    has_augmentation_data: bool
    signal_frame: bool
    """Augmentation ``S``: the kernel made the frame."""
    address_size: int


class Fde(msgspec.Struct, frozen=True, eq=False):
    """How to unwind one function."""

    cie: Cie
    start: int
    end: int
    """Link-time addresses; end is exclusive."""
    instructions: bytes


class _Entry(msgspec.Struct, frozen=True, eq=False):
    """Length and id, common to both kinds."""

    position: int
    body: int
    """Behind the id."""
    end: int
    cie: int | None
    """Position of the CIE that it refers to; None: it is one itself."""


class CallFrameSection:
    """Bytes that hold call frame information.

    ``reader`` says what is where; ``start`` and ``end`` bound the section in its
    data. In ``.debug_frame`` (``debug``) ids and pointers mean something else.
    """

    def __init__(
        self, reader: PointerReader, start: int, end: int, *, debug: bool = False
    ) -> None:
        self.reader = reader
        self.start = start
        self.end = min(end, len(reader.data))
        self.debug = debug
        self._cies: dict[int, Cie] = {}

    def fde_at(self, position: int) -> Fde:
        """Parse the FDE at ``position`` in the data; raises ``DecodeError``."""
        entry = self._entry(position)
        if entry is None or entry.cie is None:
            raise DecodeError("no FDE where one should be")
        return self._fde(entry, entry.cie)

    @functools.cached_property
    def index(self) -> list[tuple[int, int, int]]:
        """(start, end, position) of every FDE, by start; damaged ones are left out."""
        found = []
        for entry in self._entries():
            if entry.cie is None:
                continue
            try:
                fde = self._fde(entry, entry.cie)
            except DecodeError:
                continue
            if fde.start < fde.end:
                found.append((fde.start, fde.end, entry.position))
        return sorted(found)

    def _entries(self) -> Iterator[_Entry]:
        position = self.start
        for _ in range(_ENTRY_LIMIT):
            try:
                entry = self._entry(position)
            except DecodeError:
                return
            if entry is None:
                return
            yield entry
            position = entry.end

    def _entry(self, position: int) -> _Entry | None:
        """The entry at ``position``; None at the end of the section."""
        data, order = self.reader.data, self.reader.byte_order
        if not self.start <= position <= self.end - 4:
            return None
        length, at = fixed(data, position, 4, order)
        if length == 0:
            return None
        size = 4
        if length == _EXTENDED_LENGTH:
            length, at = fixed(data, at, 8, order)
            size = 8
        end = at + length
        if end > self.end:
            raise DecodeError("call frame information is cut")
        identity, body = fixed(data, at, size if self.debug else 4, order)
        if self.debug:
            is_cie = identity == _DEBUG_CIE_IDS[size]
            cie = None if is_cie else self.start + identity
        else:
            cie = None if identity == 0 else at - identity
        return _Entry(position, body, end, cie)

    def _cie(self, position: int) -> Cie:
        cie = self._cies.get(position)
        if cie is None:
            entry = self._entry(position)
            if entry is None or entry.cie is not None:
                raise DecodeError("no CIE where one should be")
            cie = self._cies[position] = self._parse_cie(entry)
        return cie

    def _parse_cie(self, entry: _Entry) -> Cie:
        data, position = self.reader.data, entry.body
        version, position = fixed(data, position, 1, "little")
        if version not in (1, 3, 4):
            raise DecodeError(f"call frame information of version {version}")
        augmentation, position = self._augmentation_string(position, entry.end)
        address_size = self.reader.pointer_size
        if augmentation.startswith(b"eh"):
            position += address_size
        if version == 4:
            address_size, position = fixed(data, position, 1, "little")
            position += 1
            if address_size not in (4, 8):
                raise DecodeError(f"addresses of {address_size} bytes")
        code, position = uleb128(data, position)
        factor, position = sleb128(data, position)
        if version == 1:
            column, position = fixed(data, position, 1, "little")
        else:
            column, position = uleb128(data, position)
        encoding, signal, instructions = self._augmentation(augmentation, position)
        return Cie(
            code,
            factor,
            column,
            bytes(data[instructions : entry.end]),
            encoding,
            augmentation.startswith(b"z"),
            signal,
            address_size,
        )

    def _augmentation_string(self, position: int, end: int) -> tuple[bytes, int]:
        text = bytes(self.reader.data[position : min(end, position + 16)])
        length = text.find(b"\0")
        if length < 0:
            raise DecodeError("augmentation string without an end")
        return text[:length], position + length + 1

    def _augmentation(self, text: bytes, position: int) -> tuple[int, bool, int]:
        """Pointer encoding, signal frame, and where the instructions begin."""
        encoding, signal = _ABSOLUTE_POINTER, False
        if not text.startswith(b"z"):
            if text not in (b"", b"eh"):
                raise DecodeError(f"unknown augmentation {text!r}")
            return encoding, signal, position
        data = self.reader.data
        size, position = uleb128(data, position)
        instructions = position + size
        for letter in text[1:]:
            if letter == ord("R"):
                encoding, position = fixed(data, position, 1, "little")
            elif letter == ord("P"):
                kind, position = fixed(data, position, 1, "little")
                _, position = self.reader.read(position, kind)
            elif letter == ord("L"):
                position += 1
            elif letter == ord("S"):
                signal = True
            elif letter != ord("B"):
                break  # unknown: its data is skipped, as 'z' allows
        return encoding, signal, instructions

    def _fde(self, entry: _Entry, cie_position: int) -> Fde:
        cie = self._cie(cie_position)
        if cie.pointer_encoding == OMIT:
            raise DecodeError("FDE without an address")
        reader, position = self.reader, entry.body
        start, position = reader.read(position, cie.pointer_encoding)
        size, position = reader.read_plain(position, cie.pointer_encoding & 0x0F)
        if cie.has_augmentation_data:
            skip, position = uleb128(reader.data, position)
            position += skip
        if position > entry.end or size < 0:
            raise DecodeError("FDE is cut")
        instructions = bytes(reader.data[position : entry.end])
        return Fde(cie, start, start + size, instructions)
