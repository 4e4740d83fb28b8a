"""The kernel's message buffer as text, from its first line to its last.

``sys/sys/msgbuf.h``, ``sys/kern/subr_msgbuf.c``: a ring of bytes, and behind it struct
msgbuf, which says where the next byte would go. A minidump has the ring alone.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from coresnap.elfcore.vmcore.kernel_memory import KernelMemory
from coresnap.errors import MemoryReadError

__all__ = ["MAGIC", "find_ring", "read_ring", "text_of"]

MAGIC = 0x063062
"""msg_magic."""
_SIZE_LIMIT = 64 << 20
_TEXT_LIMIT = 4 << 20
_LEAST = 1024
_PRIORITY = re.compile(rb"^<[0-9]{1,3}>", re.MULTILINE)
_DUMPING = re.compile(rb"Dumping [0-9]+ (?:out of [0-9]+ )?MB:(?!\.\.)")


def text_of(ring: bytes | memoryview, written: int | None = None) -> str:
    """Return the text in a ring, its oldest byte first, without syslog's priorities.

    ``written`` is the sequence number of the next byte (msg_wseq). Without it, a ring
    that is full begins behind what a kernel says last, before it writes its dump.
    """
    data = bytes(ring[:_SIZE_LIMIT])
    data = _in_order(data, written)
    data = _PRIORITY.sub(b"", data.replace(b"\0", b""))
    return data[-_TEXT_LIMIT:].decode("utf-8", "backslashreplace")


def _in_order(data: bytes, written: int | None) -> bytes:
    if written is not None and data:
        place = written % len(data)
        return data[place:] + data[:place]
    if b"\0" in data:
        return data
    last = None
    for found in _DUMPING.finditer(data):
        last = found.end()
    return data if last is None else data[last:] + data[:last]


def read_ring(memory: KernelMemory, address: int) -> tuple[bytes, int] | None:
    """Return the ring of the struct msgbuf at ``address`` and its msg_wseq, if it is
    one."""
    word = memory.pointer_size
    try:
        head = memory.read(address, word + 16)
    except MemoryReadError:
        return None
    pointer = int.from_bytes(head[:word], "little")
    magic, size, written = struct.unpack_from("<III", head, word)
    if magic != MAGIC or not _LEAST <= size <= _SIZE_LIMIT:
        return None
    ring = memory.read_some(pointer, size)
    return (ring, written) if len(ring) == size else None


def find_ring(
    memory: KernelMemory, data: memoryview, spans: list[tuple[int, int]]
) -> tuple[bytes, int] | None:
    """Look for struct msgbuf in physical memory; ``spans`` are offsets in ``data``.

    It stands right behind its ring (msgbufinit), so its own address is known.
    """
    word = memory.pointer_size
    for place in _magics(data, spans):
        if place < word:
            continue
        pointer = int.from_bytes(data[place - word : place], "little")
        (size,) = struct.unpack_from("<I", data, place + 4)
        found = read_ring(memory, pointer + size)
        if found is not None:
            return found
    return None


def _magics(data: memoryview, spans: list[tuple[int, int]]) -> Iterator[int]:
    """Offsets of aligned words that are the magic, with room behind them."""
    wanted = struct.pack("<I", MAGIC)
    for start, end in spans:
        step = 16 << 20
        for piece in range(start, end, step):
            part = bytes(data[piece : min(piece + step + 16, end)])
            place = part.find(wanted)
            while 0 <= place < len(part) - 16:
                if place % 4 == 0:
                    yield piece + place
                place = part.find(wanted, place + 1)
