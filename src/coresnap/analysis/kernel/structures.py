"""The kernel's own structures, read from its dump by what its DWARF says of them.

``struct proc`` and ``struct thread`` of ``sys/sys/proc.h``, ``struct linker_file`` of
``sys/sys/linker.h``: their layout changes with each release, their names do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from coresnap.analysis.debuginfo.constants import Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.values.type_graph import TypeGraph
from coresnap.analysis.values.types import CompoundType, Member
from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError

__all__ = ["Layout", "Structure", "find_layouts", "is_array"]

_MOST_UNITS = 10_000
_MOST_ENTRIES = 300_000
"""DIEs that are looked at."""
_NAME = 0x03
"""DW_AT_name."""
_CENTRAL = frozenset(
    {"kern_linker.c", "kern_shutdown.c", "kern_thread.c", "subr_smp.c", "trap.c"}
    | {"mp_x86.c", "mp_machdep.c", "kern_proc.c"}
)
"""Sources that use what is looked for."""
_DEPTH = 4
_MOST_WORDS = 32


class Layout(msgspec.Struct, frozen=True, eq=False):
    """Where the members of one structure are; anonymous ones are looked into."""

    size: int
    members: dict[str, tuple[int, int]]
    """Name, with dots between nested ones, to offset and size in bytes."""

    def number(self, memory: Memory, address: int, name: str) -> int | None:
        """The unsigned member of the structure at ``address``; None without either."""
        place = self.members.get(name)
        if place is None or place[1] not in (1, 2, 4, 8):
            return None
        try:
            data = memory.read(address + place[0], place[1])
        except MemoryReadError:
            return None
        return int.from_bytes(data, memory.byte_order)

    def words(self, memory: Memory, address: int, name: str) -> list[int]:
        """A member that is an array of registers; empty without it, or its memory."""
        place = self.members.get(name)
        if place is None or place[1] > _MOST_WORDS * 8:
            return []
        try:
            data = memory.read(address + place[0], place[1])
        except MemoryReadError:
            return []
        starts = range(0, len(data) - 7, 8)
        return [int.from_bytes(data[s : s + 8], memory.byte_order) for s in starts]

    def text(self, memory: Memory, address: int, name: str) -> str | None:
        """A member that is an array of characters."""
        place = self.members.get(name)
        if place is None:
            return None
        data = memory.read_some(address + place[0], min(place[1], 4096))
        return data.split(b"\0")[0].decode("utf-8", "backslashreplace") or None


class Structure(msgspec.Struct, frozen=True, eq=False):
    """One structure at its address."""

    layout: Layout
    memory: Memory
    address: int

    def number(self, name: str) -> int | None:
        """As ``Layout.number``."""
        return self.layout.number(self.memory, self.address, name)

    def text(self, name: str) -> str | None:
        """As ``Layout.text``."""
        return self.layout.text(self.memory, self.address, name)

    def chain(self, following: str, limit: int) -> Iterator[Structure]:
        """This one and those that ``following`` leads to, each once."""
        seen: set[int] = set()
        address: int | None = self.address
        while address and address not in seen and len(seen) < limit:
            seen.add(address)
            one = Structure(self.layout, self.memory, address)
            yield one
            address = one.number(following)


def find_layouts(
    file: DebugFile, names: Collection[str], *, pointer_size: int
) -> dict[str, Layout]:
    """Return the complete structures of ``file`` that have these names.

    Raises ``InputError`` for damaged debug information.
    """
    graph = TypeGraph(file, pointer_size=pointer_size, little_endian=True)
    found: dict[str, Layout] = {}
    for name, handle in _entries(file, Tag.STRUCTURE_TYPE, names):
        if name in found:
            continue
        compound = graph.type(handle)
        if isinstance(compound, CompoundType) and compound.complete:
            found[name] = _layout(graph, compound)
        if len(found) == len(names):
            break
    return found


def is_array(file: DebugFile, name: str) -> bool:
    """Whether a variable is an array by its declared type; an array where unsaid."""
    for _, handle in _entries(file, Tag.VARIABLE, {name}):
        kind = file.die(handle).type
        if kind:
            return file.die(kind).tag != Tag.POINTER_TYPE
    return True


def _entries(
    file: DebugFile, tag: int, names: Collection[str]
) -> Iterator[tuple[str, int]]:
    """Yield name and DIE of what the units declare by these names.

    A kernel has thousands of units, each with a thousand structures: those that are
    sure to have what is wanted come first, and the search has an end.
    """
    wanted = {name.encode(): name for name in names}
    looked = 0
    for unit in _units(file):
        for handle, _ in file.children(unit, (tag,)):
            looked += 1
            value = file.attribute(handle, _NAME)
            name = wanted.get(value.block or b"") if value is not None else None
            if name is not None:
                yield name, handle
        if looked > _MOST_ENTRIES:
            return


def _units(file: DebugFile) -> list[int]:
    units = [unit for unit, _ in file.units()[:_MOST_UNITS]]
    return sorted(units, key=lambda unit: not _is_central(file.die(unit).name))


def _is_central(name: str | None) -> bool:
    return (name or "").rpartition("/")[2] in _CENTRAL


def _layout(graph: TypeGraph, compound: CompoundType) -> Layout:
    members = dict(_members(graph, compound, "", 0, 0))
    return Layout(compound.size or 0, members)


def _members(
    graph: TypeGraph, compound: CompoundType, prefix: str, start: int, depth: int
) -> Iterator[tuple[str, tuple[int, int]]]:
    for member in compound.members:
        if member.offset is None or member.bit_size is not None:
            continue
        offset = start + member.offset
        name = prefix + member.name
        if member.name:
            yield name, (offset, _size(graph, member))
        inner = graph.peeled(member.type)
        if isinstance(inner, CompoundType) and depth < _DEPTH:
            below = f"{name}." if member.name else prefix
            yield from _members(graph, inner, below, offset, depth + 1)


def _size(graph: TypeGraph, member: Member) -> int:
    return graph.size(member.type) or 0
