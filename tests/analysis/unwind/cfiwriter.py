"""Writes call frame information: CIEs, FDEs and .eh_frame_hdr, by hand.

Imports nothing from coresnap. x86-64 conventions unless told otherwise: the return
address is register 16, the stack grows by 8.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

PCREL_SDATA4, DATAREL_SDATA4, ABSOLUTE = 0x1B, 0x3B, 0x00


def uleb(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def sleb(number: int) -> bytes:
    out = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        if (number == 0 and not byte & 0x40) or (number == -1 and byte & 0x40):
            return bytes([*out, byte])
        out.append(byte | 0x80)


def signed4(number: int) -> bytes:
    return (number & 0xFFFFFFFF).to_bytes(4, "little")


AT_ENTRY = bytes([0x0C, 7, 8, 0x80 | 16, 1])
"""CFA is rsp + 8, the return address at CFA - 8: true after every call."""


@attrs.frozen
class Function:
    start: int
    size: int
    code: bytes = b""
    """Call frame instructions."""


@attrs.frozen
class Frames:
    """.eh_frame_hdr and .eh_frame as they lie behind each other at ``address``."""

    address: int
    functions: Sequence[Function]
    initial: bytes = AT_ENTRY
    augmentation: bytes = b"zR"
    encoding: int = PCREL_SDATA4
    version: int = 1
    column: int = 16

    def cie(self) -> bytes:
        extra = bytes([self.encoding]) if b"R" in self.augmentation else b""
        column = bytes([self.column]) if self.version == 1 else uleb(self.column)
        body = bytes(4) + bytes([self.version]) + self.augmentation + b"\0"
        if self.version == 4:
            body += bytes([8, 0])
        body += uleb(1) + sleb(-8) + column
        if self.augmentation.startswith(b"z"):
            body += uleb(len(extra)) + extra
        return _entry(body + self.initial)

    def eh_frame(self, address: int) -> tuple[bytes, list[int]]:
        """The section, loaded at ``address``, and where each FDE lies."""
        data, places = self.cie(), []
        for function in self.functions:
            places.append(address + len(data))
            at = len(data) + 4
            body = at.to_bytes(4, "little")
            if self.encoding == PCREL_SDATA4:
                body += signed4(function.start - (address + at + 4))
                body += signed4(function.size)
            else:
                body += function.start.to_bytes(8, "little")
                body += function.size.to_bytes(8, "little")
            if self.augmentation.startswith(b"z"):
                body += b"\0"
            data += _entry(body + function.code)
        return data + bytes(4), places

    def debug_frame(self) -> bytes:
        cie = self.cie()
        data = cie[:4] + b"\xff" * 4 + cie[8:]
        for function in self.functions:
            body = bytes(4) + function.start.to_bytes(8, "little")
            body += function.size.to_bytes(8, "little") + function.code
            data += _entry(body)
        return data

    def with_table(self) -> tuple[bytes, int]:
        """Header, table and section; and the size of the first two."""
        size = 12 + 8 * len(self.functions)
        frames = self.address + size
        section, places = self.eh_frame(frames)
        head = bytes([1, PCREL_SDATA4, 0x03, DATAREL_SDATA4])
        head += signed4(frames - self.address - 4)
        head += len(self.functions).to_bytes(4, "little")
        rows = sorted(zip([f.start for f in self.functions], places, strict=True))
        for start, place in rows:
            head += signed4(start - self.address) + signed4(place - self.address)
        return head + section, size


def _entry(body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return len(body).to_bytes(4, "little") + body
