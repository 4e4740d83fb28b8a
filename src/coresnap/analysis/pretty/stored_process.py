"""A snapshot in place of a process: the variables and memory that it keeps."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator
from typing import Any

from coresnap.analysis.values.limits import Allowance, ValueLimits
from coresnap.errors import MemoryReadError
from coresnap.model import Snapshot, Thread, Variable

__all__ = ["StoredProcess", "walk"]

_SMALL_ARCHITECTURES = ("i386", "arm", "riscv32")
_BIG_ENDIAN = ("s390x", "ppc64")
_DEPTH_LIMIT = 64


class StoredProcess:
    """A snapshot in place of a process (``decode.Process``) and of a decoder."""

    def __init__(self, snapshot: Snapshot, limits: ValueLimits) -> None:
        self.limits = limits
        self.allowance = Allowance.of(limits)
        self.allowance.begin(limits)
        self.process = self
        self.graph = self
        self.targets = self
        self.pending: Any = None
        self.pointer_size = 4 if snapshot.architecture in _SMALL_ARCHITECTURES else 8
        self.little_endian = snapshot.architecture not in _BIG_ENDIAN
        self._memory = sorted(snapshot.memory, key=lambda one: one.address)
        self._starts = [one.address for one in self._memory]
        self._places: dict[tuple[int, str], Variable] = {}
        for _, variable in walk(snapshot.threads, snapshot.globals):
            if variable.address is not None and variable.missing is None:
                self._places.setdefault((variable.address, variable.type), variable)

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index >= 0:
            kept = self._memory[index]
            data = kept.data[address - kept.address :][:size]
            if len(data) == size:
                return data
        raise MemoryReadError(address, size)

    def read_string(self, address: int, limit: int, width: int) -> bytes | None:
        """Whole characters up to NUL or ``limit`` bytes; None if none is kept."""
        data, zero = b"", bytes(width)
        while len(data) < limit:
            try:
                character = self.read(address + len(data), width)
            except MemoryReadError:
                return data or None
            if character == zero:
                break
            data += character
        return data

    def symbol(self, address: int) -> str | None:
        """None: a snapshot has the names of its frames only."""
        return None

    def variable(self, address: int, type: str) -> Variable | None:
        """The variable of a type that the snapshot has at an address."""
        return self._places.get((address, type))


def walk(
    threads: Iterable[Thread], globals: Iterable[Variable] = ()
) -> Iterator[tuple[str, Variable]]:
    """All variables, with where they are: ``thread 4242 #1 main: node.next``."""
    for variable in globals:
        yield from _below("globals: ", variable, 0)
    for thread in threads:
        for number, frame in enumerate(thread.frames):
            place = f"thread {thread.tid} #{number} {frame.function or '??'}: "
            for variable in frame.variables:
                yield from _below(place, variable, 0)


def _below(
    place: str, variable: Variable, depth: int
) -> Iterator[tuple[str, Variable]]:
    place += variable.name
    yield place, variable
    if depth >= _DEPTH_LIMIT:
        return
    for member in variable.members + variable.items:
        joint = "" if member.name.startswith("[") else "."
        yield from _below(place + joint, member, depth + 1)
    if variable.target is not None:
        yield from _below(f"{place} → ", variable.target, depth + 1)
