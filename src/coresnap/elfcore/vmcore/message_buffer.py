"""The kernel's message buffer as text, from its first line to its last.

``sys/sys/msgbuf.h``, ``sys/kern/subr_msgbuf.c``: a ring of bytes, and right behind it
struct msgbuf (``sys/kern/subr_prf.c``, msgbufinit), which says where the next byte
would go. A minidump has the ring in whole pages; what fills the last one is the
structure.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

from coresnap.elfcore.vmcore.kernel_memory import KernelMemory
from coresnap.errors import MemoryReadError

__all__ = ["MAGIC", "find_ring", "read_ring", "text_of", "written_behind"]

MAGIC = 0x063062
"""msg_magic."""
_SIZE_LIMIT = 64 << 20
_TEXT_LIMIT = 4 << 20
_LEAST = 1024
_SEARCH_LIMIT = 4 << 30
"""Bytes of physical memory, the highest ones, in which the ring is looked for."""
_STEP = 16 << 20
_LAPS = 16
"""msg_seqmod is so many times the size of the ring: sequence numbers stay below it."""
_WORD = 4
_MAGIC_BYTES = re.compile(re.escape(struct.pack("<I", MAGIC)))
_STRUCT_TAIL = struct.Struct("<IIIIII")
"""msg_magic, msg_size, msg_wseq, msg_rseq, msg_cksum, msg_seqmod."""
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


def written_behind(
    data: memoryview, ring: int, size: int, pointer_size: int
) -> int | None:
    """Return msg_wseq of the struct msgbuf behind the ``size`` bytes at ``ring``.

    None if there is none of that ring.
    """
    place = ring + size + pointer_size
    if place + _STRUCT_TAIL.size > len(data):
        return None
    magic, told, written, read, _, laps = _STRUCT_TAIL.unpack_from(data, place)
    is_sound = magic == MAGIC and told == size and laps == _LAPS * size
    return written if is_sound and max(written, read) < laps else None


def find_ring(
    data: memoryview, spans: Iterable[tuple[int, int]], pointer_size: int
) -> tuple[bytes, int] | None:
    """Look for a ring and its struct msgbuf in physical memory.

    ``spans`` are where that lies in ``data``. The highest addresses come first: the
    kernel takes the buffer from there (``sys/amd64/amd64/machdep.c``, getmemsize).
    """
    for place, first in _magics(data, spans):
        (size,) = struct.unpack_from("<I", data, place + 4)
        ring = place - pointer_size - size
        if not _LEAST <= size <= _SIZE_LIMIT or ring < first:
            continue
        written = written_behind(data, ring, size, pointer_size)
        if written is not None:
            return bytes(data[ring : ring + size]), written
    return None


def _magics(
    data: memoryview, spans: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Offsets of aligned words that are the magic, last first, and of their spans."""
    left = _SEARCH_LIMIT
    for first, last in sorted(spans, reverse=True):
        end = last
        while end > first and left > 0:
            start = max(first, end - _STEP)
            part = bytes(data[start : min(end + _WORD - 1, last)])
            # bytes.rfind is five times slower than looking from the front.
            for match in reversed(list(_MAGIC_BYTES.finditer(part))):
                place = start + match.start()
                if place % _WORD == 0 and place + 2 * _WORD <= last:
                    yield place, first
            left -= end - start
            end = start
