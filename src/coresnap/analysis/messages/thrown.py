"""Finds the exception object that a C++ program terminated over.

The run-time keeps, for each thread, a list of the exceptions that are being handled; it
enters an exception that nobody catches, too, before it calls ``std::terminate``. An
object begins with a header whose last part is a ``_Unwind_Exception`` (Itanium C++ ABI,
"Exception Handling", 2.2), which names the run-time. Header of libstdc++:
``unwind-cxx.h`` in GCC's ``libstdc++-v3/libsupc++``; of libc++abi:
``src/cxa_exception.h``; of FreeBSD's libcxxrt: ``cxxabi.h``, which names libstdc++ and
is laid out as libc++abi. On 64-bit machines and on i386 the fields stand at the same
distances from that last part in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.elfcore.pointer_scan import scan_pointers

__all__ = ["Thrown", "find_thrown"]

GNU = 0x474E5543432B2B00
"""``GNUCC++\\0``: thrown by libstdc++ or libcxxrt."""
LLVM = 0x434C4E47432B2B00
"""``CLNGC++\\0``: thrown by libc++abi."""
_DEPENDENT = 1
"""Thrown again through a ``std::exception_ptr``: the header points to the object."""
_RUNTIMES = {GNU: ("libstdc++", "libcxxrt"), LLVM: ("libc++",)}
_NEAR_POINTER = 1 << 13
"""Bytes around the thread pointer that hold the thread's own variables."""
_THREAD_SIZE = 1 << 11
"""Bytes around it that may hold the values of pthread_setspecific(3)."""
_MOST_HANDLERS = 1 << 16
_MOST_OWNERS = 1 << 10
"""Owners of an object, through std::exception_ptr; a freed one has other things where
they were counted."""
_MOST_FOUND = 16


class _Header(msgspec.Struct, frozen=True):
    """Bytes before the ``_Unwind_Exception`` (its size behind it)."""

    type: int
    handlers: int
    starts: tuple[int, ...]
    """Where the headers of the two run-times begin."""
    size: int
    """Of the ``_Unwind_Exception``: then comes the object."""
    owners: dict[str, int]
    """Where the run-time counts who owns the object, if it does so in the header."""


_WIDE = _Header(
    0x50,
    0x28,
    (0x50, 0x60),
    0x20,
    {"libstdc++": 0x60, "libc++": 0x58, "libcxxrt": 0x58},
)
_I386 = _Header(0x30, 0x1C, (0x30,), 0x20, {"libstdc++": 0x40, "libc++": 0x04})


class Thrown(msgspec.Struct, frozen=True):
    """An exception object in memory."""

    address: int
    """Of the object itself."""
    type: int
    """Address of its ``std::type_info``."""
    runtime: str
    """``libstdc++``, ``libc++`` or ``libcxxrt``."""
    found_by: str
    """``handler list``, ``stack`` or ``scan``."""


def find_thrown(process: DeadProcess, *, listed: bool) -> Thrown | None:
    """The exception that the crashed thread handles, or was about to terminate over.

    ``listed``: only one that is in the run-time's list. Else it is looked for on the
    stack and everywhere, where nothing leads to it.
    """
    layout = _layout(process)
    if layout is None:
        return None
    for found_by, words in (
        ("handler list", _thread_words(process, _NEAR_POINTER)),
        ("handler list", _specific_lists(process)),
        ("stack", (word for _, word in process.stack_words())),
    ):
        if listed and found_by != "handler list":
            return None
        for header in _candidates(process, layout, words, found_by):
            found = _read(process, layout, header, found_by)
            if found is not None:
                return found
    return _only_one(process, layout)


def _layout(process: DeadProcess) -> _Header | None:
    if process.memory.pointer_size == 8:
        return _WIDE
    return _I386 if process.core.architecture.name == "i386" else None


def _thread_words(process: DeadProcess, reach: int) -> Iterator[int]:
    """Words of the crashed thread's own variables, from its pointer on."""
    pointer, size = process.thread_pointer(), process.memory.pointer_size
    if pointer is None:
        return
    # ABI for TLS, variants II and I: own variables below the pointer, or above it.
    below = process.core.architecture.name in ("x86-64", "i386", "s390x")
    first, step = (pointer - size, -size) if below else (pointer, size)
    for distance in range(reach // size):
        yield process.word(first + distance * step)


def _specific_lists(process: DeadProcess) -> Iterator[int]:
    """First words of what pthread_getspecific(3) leads to: libc++abi may have its list
    there. The values stand in the thread's descriptor, on its pointer's other side."""
    if not process.has_library("libc++"):
        return
    pointer, size = process.thread_pointer(), process.memory.pointer_size
    if pointer is None:
        return
    for address in range(pointer - _THREAD_SIZE, pointer + _THREAD_SIZE, size):
        word = process.word(address)
        if word and word % size == 0:
            yield process.word(word)


def _candidates(
    process: DeadProcess, layout: _Header, words: Iterable[int], found_by: str
) -> Iterator[int]:
    """Where an ``_Unwind_Exception`` might be, if a word led to it or to its object."""
    distances = layout.starts if found_by == "handler list" else (0, -layout.size)
    seen: set[int] = set()
    for word in words:
        if word in seen or word % process.memory.pointer_size:
            continue
        seen.add(word)
        mapping = process.memory.find_mapping(word)
        if mapping is not None and mapping.permissions.startswith("rw"):
            for distance in distances:
                yield word + distance


def _read(
    process: DeadProcess, layout: _Header, header: int, found_by: str
) -> Thrown | None:
    order = process.memory.byte_order
    data = process.memory.read_some(header, 8)
    kind = int.from_bytes(data, order)
    runtimes = _RUNTIMES.get(kind & ~_DEPENDENT, ())
    if len(data) < 8:
        return None
    count = process.memory.read_some(header - layout.handlers, 4)
    handlers = int.from_bytes(count, order, signed=True)
    if not 0 < abs(handlers) <= _MOST_HANDLERS:
        return None
    for runtime in runtimes:
        address, start = _object(process, layout, header, runtime, kind & _DEPENDENT)
        owners = layout.owners.get(runtime)
        if owners is None or not _is_owned(process, address - layout.size - owners):
            continue
        # What a type_info begins with is the address of a vtable.
        if process.word(process.word(start)):
            return Thrown(address, start, runtime, found_by)
    return None


def _object(
    process: DeadProcess, layout: _Header, header: int, runtime: str, dependent: int
) -> tuple[int, int]:
    """Addresses of the object and of its type."""
    if not dependent:
        return header + layout.size, process.word(header - layout.type)
    # libstdc++ has the object that was thrown first in place of the type.
    first = layout.type
    first += 0 if runtime == "libstdc++" else process.memory.pointer_size
    address = process.word(header - first)
    return address, process.word(address - layout.size - layout.type)


def _is_owned(process: DeadProcess, count: int) -> bool:
    """Whether the object still exists: its memory may have been freed."""
    data = process.memory.read_some(count, 4)
    owners = int.from_bytes(data, process.memory.byte_order)
    return 0 < owners <= _MOST_OWNERS


def _only_one(process: DeadProcess, layout: _Header) -> Thrown | None:
    """The exception object, if memory holds exactly one that was not yet destroyed."""
    found = [
        thrown
        for header in _scanned(process)
        if (thrown := _read(process, layout, header, "scan")) is not None
    ]
    return found[0] if len(found) == 1 else None


def _scanned(process: DeadProcess) -> Iterator[int]:
    """Where an ``_Unwind_Exception`` of one of the run-times may be."""
    found = (
        address + offset
        for address, data in process.anonymous_memory()
        for offset, _ in scan_pointers(
            data,
            [(LLVM, LLVM + 2), (GNU, GNU + 2)],
            pointer_size=8,
            byte_order=process.memory.byte_order,
            limit=_MOST_FOUND,
        )
        if (address + offset) % 16 == 0
    )
    return islice(found, _MOST_FOUND)
