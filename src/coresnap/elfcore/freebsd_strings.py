"""Arguments and environment of a FreeBSD process, from the memory of its core.

``struct ps_strings`` (``sys/sys/exec.h``) leads to them: the address of argv, its
count, the address of environ, its count. NT_PROCSTAT_PSSTRINGS and AT_PS_STRINGS say
where it is. All of it is the process's own to write: nothing is believed that does not
lie in the core, and no more is read than the kernel would have let it have.
"""

from __future__ import annotations

from coresnap.elfcore.memory import Memory
from coresnap.elfcore.process_state import ProcessStrings
from coresnap.errors import MemoryReadError

__all__ = ["first_string", "read_process_strings"]

_MOST_BYTES = 1 << 20
"""Twice the kernel's own limit of all strings (ARG_MAX, ``sys/sys/syslimits.h``)."""
_MOST_STRINGS = 1 << 16


def read_process_strings(memory: Memory, address: int | None) -> ProcessStrings:
    """Read what ``struct ps_strings`` at ``address`` leads to.

    What cannot be read is left out, and ``problems`` says so.
    """
    if not address:
        return ProcessStrings()
    problems: list[str] = []
    word = memory.pointer_size
    try:
        places = [memory.read_word(address + word * n) for n in range(4)]
    except MemoryReadError:
        said = "the core does not have the strings of arguments and environment"
        return ProcessStrings(problems=(said,))
    room = _MOST_BYTES
    found: list[tuple[bytes, ...]] = []
    for what, array, count in (
        ("arguments", places[0], places[1]),
        ("environment", places[2], places[3]),
    ):
        # The count is an int, whatever its padding holds.
        strings = _strings(memory, array, count & 0xFFFFFFFF, room)
        room -= sum(len(text) + 1 for text in strings)
        if len(strings) != count & 0xFFFFFFFF:
            problems.append(f"only {len(strings)} strings of the {what} could be read")
        found.append(strings)
    return ProcessStrings(found[0], found[1], tuple(problems))


def first_string(memory: Memory, address: int | None) -> int | None:
    """Where the strings begin at the earliest, by ``struct ps_strings`` at ``address``.

    The pointers to the environment stand before them (``exec_copyout_strings`` in
    ``sys/kern/kern_exec.c``). None if that is not there, or overwritten.
    """
    if not address:
        return None
    word = memory.pointer_size
    try:
        array, count = (memory.read_word(address + word * n) for n in (2, 3))
    except MemoryReadError:
        return None
    start = array + (count & 0xFFFFFFFF) * word
    return start if array and address - _MOST_BYTES < start < address else None


def _strings(memory: Memory, array: int, count: int, room: int) -> tuple[bytes, ...]:
    size = memory.pointer_size * min(count, _MOST_STRINGS)
    found: list[bytes] = []
    for _, pointer in memory.read_words(array, size):
        text = memory.read_string(pointer, room) if pointer and room > 0 else None
        if text is None:
            break
        found.append(text)
        room -= len(text) + 1
    return tuple(found)
