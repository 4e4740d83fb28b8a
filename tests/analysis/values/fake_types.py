"""Types made by hand, for what no compiler writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from coresnap.analysis.debuginfo.constants import Attribute, Tag
from coresnap.analysis.debuginfo.records import Die, DieFlag, Value
from coresnap.analysis.values.decode import ValueDecoder
from coresnap.analysis.values.limits import Allowance, ValueLimits
from coresnap.analysis.values.type_graph import TypeGraph
from coresnap.errors import MemoryReadError
from coresnap.model import Variable, VariableKind

__all__ = ["FakeFile", "FakeProcess", "decoder_for", "read"]

UNIT = 1


@attrs.define
class FakeFile:
    """Answers like ``DebugFile`` from DIEs that a test adds."""

    language: int = 0x0C
    dies: dict[int, Die] = attrs.field(factory=dict)
    below: dict[int, list[tuple[int, int]]] = attrs.field(factory=dict)
    values: dict[tuple[int, int], Value] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.add(UNIT, Tag.COMPILE_UNIT, language=self.language)

    def add(self, handle: int, tag: int, parent: int = UNIT, **fields: object) -> int:
        """Add a DIE; its fields are those of ``Die``."""
        empty: dict[str, object] = dict.fromkeys(Die.__struct_fields__, 0)
        empty |= {"handle": handle, "tag": tag, "name": None, "linkage_name": None}
        flags = DieFlag.BYTE_SIZE if "byte_size" in fields else 0
        flags |= DieFlag.BIT_SIZE if "bit_size" in fields else 0
        flags |= DieFlag.DATA_BIT_OFFSET if "data_bit_offset" in fields else 0
        flags |= DieFlag.BIT_OFFSET if "bit_offset" in fields else 0
        fields = {"flags": flags, **fields}
        self.dies[handle] = Die(**{**empty, **fields})  # type: ignore[arg-type]
        self.below.setdefault(parent, []).append((handle, tag))
        return handle

    def base(self, handle: int, name: str, size: int, encoding: int) -> int:
        """Add a base type."""
        return self.add(
            handle, Tag.BASE_TYPE, name=name, byte_size=size, encoding=encoding
        )

    def array(self, handle: int, element: int, *counts: int) -> int:
        """Add an array type."""
        self.add(handle, Tag.ARRAY_TYPE, type=element)
        for position, count in enumerate(counts, 1):
            subrange = self.add(handle * 1000 + position, Tag.SUBRANGE_TYPE, handle)
            self.values[subrange, Attribute.COUNT] = Value(number=count)
        return handle

    def die(self, handle: int) -> Die:
        return self.dies[handle]

    def integrated(self, handle: int) -> list[Die]:
        return [self.dies[handle]]

    def children(self, handle: int, tags: Sequence[int] = ()) -> list[tuple[int, int]]:
        return [row for row in self.below.get(handle, []) if not tags or row[1] in tags]

    def attribute(self, handle: int, name: int) -> Value | None:
        return self.values.get((handle, name))

    def every_child(self, handle: int) -> list[tuple[int, int]]:
        return []  # of scopes: nothing stands in a namespace or class

    def unit_of(self, handle: int) -> tuple[int, int]:
        return UNIT, 0

    def units(self) -> list[tuple[int, int]]:
        return [(UNIT, Tag.COMPILE_UNIT)]

    def shared_units(self) -> list[tuple[int, int]]:
        return []

    def types(self, unit: int, budget: int) -> FakeTypeTable:
        complete = [
            (die.name, die.handle)
            for die in self.dies.values()
            if die.name and not die.flags & DieFlag.DECLARATION
        ]
        return FakeTypeTable(complete, len(self.dies))


@attrs.define
class FakeTypeTable:
    """Names and DIEs of complete types."""

    types: list[tuple[str, int]]
    visited: int

    def find(self, name: str) -> Iterator[int]:
        return (handle for known, handle in self.types if known == name)


@attrs.define
class FakeProcess:
    """A few bytes of memory."""

    start: int = 0x1000
    memory: bytes = b""

    def read(self, address: int, size: int) -> bytes:
        offset = address - self.start
        data = self.memory[offset : offset + size] if offset >= 0 else b""
        if len(data) < size:
            raise MemoryReadError(address, size)
        return data

    def read_string(self, address: int, limit: int, width: int) -> bytes | None:
        offset = address - self.start
        if not 0 <= offset < len(self.memory):
            return None
        return self.memory[offset:].partition(b"\0")[0][:limit]

    def symbol(self, address: int) -> str | None:
        return f"function_{address:x}"

    def names(self, address: int) -> frozenset[str]:
        return frozenset()

    def class_of(self, vtable: int) -> str | None:
        return None

    def decoder_at(self, address: int) -> ValueDecoder | None:
        return None


class _NoFrame:
    def element_count(self, subrange: int) -> int | None:
        return None

    def member_address(self, member: int, address: int) -> int | None:
        return None

    def implementor(self, vtable: int) -> int:
        return 0


def decoder_for(
    file: FakeFile,
    process: FakeProcess | None = None,
    limits: ValueLimits | None = None,
    *,
    little_endian: bool = True,
    x87: bool = True,
) -> ValueDecoder:
    """A decoder with an allowance for one variable."""
    limits = limits or ValueLimits()
    allowance = Allowance.of(limits)
    allowance.begin(limits)
    graph = TypeGraph(
        file,  # type: ignore[arg-type]
        pointer_size=8,
        little_endian=little_endian,
    )
    process = process or FakeProcess()
    return ValueDecoder(graph, process, _NoFrame(), allowance, limits, x87=x87)


def read(decoder: ValueDecoder, handle: int, data: bytes) -> Variable:
    """The value of a type from these bytes."""
    return decoder.reader(handle)("v", VariableKind.LOCAL, data, 0, 0x1000)
