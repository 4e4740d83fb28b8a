"""glibc's last words: what it printed before it aborted.

``__abort_msg`` points to a ``struct abort_msg_s`` (``include/stdlib.h``: a 32-bit size
and the text) in pages of its own, written by assert(3) and ``__libc_message``
(``assert/assert.c``, ``sysdeps/posix/libc_fatal.c``). The variable is exported as
GLIBC_PRIVATE, so that stripped libraries have it, too. Where it cannot be found the
pages themselves are looked for: they begin with their own size, and nothing stands
behind the text.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from coresnap.analysis.messages.assertion import assertion_parts
from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.messages.message import Message
from coresnap.analysis.messages.wording import is_text, readable

__all__ = ["find_abort_message", "parts_of"]

_SIZE_LIMIT = 1 << 20
"""Bytes of the pages: a message may hold an expression and a path, no more."""
_SHORTEST = 4
_HEX = frozenset(b"0123456789abcdef")
_VMA_NAMES = (b"[anon: glibc: fatal]", b"[anon: glibc: assert]")
"""How glibc 2.39 and later name the pages for ``/proc/PID/maps``."""


def find_abort_message(
    process: DeadProcess, assets: Mapping[str, bytes]
) -> Iterator[Message]:
    """Yield the message, if there is one: by symbol, by name, or by its looks."""
    variable = process.symbol("__abort_msg", "libc")
    if variable is not None:
        yield from _pointed_to(process, variable)
        return
    found = list(_named(process, assets))
    yield from found or _scanned(process)


def _pointed_to(process: DeadProcess, variable: int) -> Iterator[Message]:
    address = process.word(variable)
    if not address:
        return
    data = process.memory.read_some(address, 4)
    size = int.from_bytes(data, process.memory.byte_order)
    text = process.text(address + 4, min(size, _SIZE_LIMIT))
    if text and is_text(text):
        yield _message(process, address + 4, text, "symbol")


def _named(process: DeadProcess, assets: Mapping[str, bytes]) -> Iterator[Message]:
    for line in assets.get("process/maps", b"").splitlines():
        digits = line.partition(b"-")[0]
        if line.endswith(_VMA_NAMES) and _HEX.issuperset(digits) and digits:
            start = int(digits[:16], 16)
            text = process.text(start + 4, _SIZE_LIMIT)
            if text and is_text(text):
                yield _message(process, start + 4, text, "mapping name")


def _scanned(process: DeadProcess) -> Iterator[Message]:
    page = process.page_size
    for address, data in process.anonymous_memory():
        for offset in _pages(data, -address % page, page, process.memory.byte_order):
            text = _text_of_page(process, address + offset, page)
            if text is not None:
                yield _message(process, address + offset + 4, text, "scan")


def _pages(data: bytes, first: int, page: int, byte_order: str) -> Iterator[int]:
    """Offsets of the pages that begin with a multiple of a page's size."""
    step = struct.Struct(f"{'>' if byte_order == 'big' else '<'}I{page - 4}x")
    whole = data[first : len(data) - (len(data) - first) % page]
    for index, (size,) in enumerate(step.iter_unpack(whole)):
        if size and size % page == 0 and size <= _SIZE_LIMIT:
            yield first + index * page


def _text_of_page(process: DeadProcess, start: int, page: int) -> bytes | None:
    """The text, if the pages are no larger than it needs and end in zeros."""
    order = process.memory.byte_order
    size = int.from_bytes(process.memory.read(start, 4), order)
    data = process.memory.read_some(start + 4, size - 4)
    text, _, rest = data.partition(b"\0")
    # Fresh pages are zero, and as many as size, text and NUL need.
    needed = -(-(len(text) + 5) // page) * page
    if len(data) < size - 4 or needed != size or rest.strip(b"\0"):
        return None
    return text if len(text) >= _SHORTEST and is_text(text) else None


def _message(process: DeadProcess, address: int, text: bytes, found_by: str) -> Message:
    words = readable(text)
    return Message("abort", words, address, found_by, process.tid, parts_of(words))


def parts_of(text: str) -> dict[str, str]:
    """An assertion's parts; of all else ``reason``, and ``pointer`` where the text has
    the one that free was called with."""
    return assertion_parts(text) or _reason(text)


def _reason(text: str) -> dict[str, str]:
    """What is left of ``*** reason ***: terminated``, and of glibc 2.25's and older
    ``*** Error in `program': reason: 0xaddress ***``."""
    words = text.partition("\\n")[0]
    if words.startswith("*** Error in `"):
        rest = words.partition("': ")[2].removesuffix(" ***")
        reason, found, pointer = rest.rpartition(": 0x")
        if found:
            return {"reason": reason, "pointer": f"0x{pointer}"}
        return {"reason": rest}
    if words.startswith("*** "):
        words = words[4:].partition(" ***")[0]
    words = words.removeprefix("Fatal error: ").removeprefix("FATAL: ")
    return {"reason": words}
