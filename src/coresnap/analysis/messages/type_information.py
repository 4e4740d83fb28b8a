"""``std::type_info`` in memory: a class's name and what it derives from.

Itanium C++ ABI, 2.9.5: a vtable, the name, and by kind of class nothing, one base, or
flags, a count and the bases. The name stands in read-only data, which a core leaves to
the executable's file.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.messages.dead_process import DeadProcess

__all__ = ["base_names", "type_name"]

_LONGEST_NAME = 4096
_MOST_TYPES = 64
_MOST_BASES = 16
_PREFIX = "_ZTI"


def type_name(process: DeadProcess, address: int) -> str | None:
    """Mangled name of the type; None if neither memory nor a symbol has it."""
    size = process.memory.pointer_size
    raw = process.text(process.word(address + size), _LONGEST_NAME)
    if raw and _is_name(raw):
        return raw.removeprefix(b"*").decode("ascii")
    symbol = process.symbol_at(address)
    if symbol is not None and symbol.startswith(_PREFIX):
        return symbol.removeprefix(_PREFIX)
    return None


def _is_name(raw: bytes) -> bool:
    return len(raw) < _LONGEST_NAME and all(0x21 <= byte < 0x7F for byte in raw)


def base_names(process: DeadProcess, address: int) -> frozenset[str]:
    """Mangled names of the type and of all that it derives from, as far as known."""
    names: set[str] = set()
    waiting, seen = [address], {address}
    while waiting and len(seen) <= _MOST_TYPES:
        current = waiting.pop()
        name = type_name(process, current)
        if name is not None:
            names.add(name)
        for base in _bases(process, current):
            if base not in seen:
                seen.add(base)
                waiting.append(base)
    return frozenset(names)


def _bases(process: DeadProcess, address: int) -> Iterator[int]:
    """Addresses that may be type_infos of bases: nothing says how many there are."""
    size = process.memory.pointer_size
    single = process.word(address + 2 * size)
    if _is_type(process, single):
        yield single
        return
    count = process.memory.read_some(address + 2 * size + 4, 4)
    bases = int.from_bytes(count, process.memory.byte_order)
    if not 0 < bases <= _MOST_BASES:
        return
    first = address + 2 * size + 8
    for index in range(bases):
        base = process.word(first + index * 2 * size)
        if not _is_type(process, base):
            return
        yield base


def _is_type(process: DeadProcess, address: int) -> bool:
    name = type_name(process, address) if address else None
    return name is not None and (name[0].isdigit() or name[0] in "NSZ")
