"""From a type to a function that turns bytes into ``model.Variable`` trees.

A ``ValueDecoder`` compiles each type once into a reader (``scalars.Read``), lazily, so
that types may contain themselves. Everything that could grow without end is counted
down in an ``Allowance``: depth, elements, text, pointers followed, nodes.
"""

from __future__ import annotations

from typing import Protocol

from coresnap.analysis.values.arrays import ArrayReaders
from coresnap.analysis.values.compounds import CompoundReaders
from coresnap.analysis.values.limits import Allowance, ValueLimits
from coresnap.analysis.values.pointers import PointerReaders
from coresnap.analysis.values.scalars import (
    Read,
    is_character,
    read_enum,
    read_scalar,
    valueless_reader,
)
from coresnap.analysis.values.targets import Targets
from coresnap.analysis.values.type_graph import TypeGraph
from coresnap.analysis.values.type_names import array_name, type_name
from coresnap.analysis.values.types import (
    ArrayType,
    BaseType,
    CompoundType,
    Dimension,
    EnumType,
    FunctionType,
    MemberPointerType,
    PointerType,
    VoidType,
)
from coresnap.errors import MemoryReadError
from coresnap.model import Variable, VariableKind

__all__ = ["Dynamic", "Presenter", "Process", "ValueDecoder"]


_TEXTUAL = frozenset(("wchar_t", "char8_t", "char16_t", "char32_t"))
"""Names of types that C, and GCC's debug information, make of integers."""


class Process(Protocol):
    """The dead process, as far as values need it."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""
        ...

    def read_string(self, address: int, limit: int, width: int) -> bytes | None:
        """Whole characters of ``width`` bytes up to NUL, the end of what is there, or
        ``limit`` bytes; None if the first one is not there."""
        ...

    def symbol(self, address: int) -> str | None:
        """Name of the function or object at ``address``, for people; ``name+4``
        behind its start."""
        ...

    def names(self, address: int) -> frozenset[str]:
        """All names that the linker knows for what begins at ``address``."""
        ...

    def class_of(self, vtable: int) -> str | None:
        """The C++ class whose vtable is at ``vtable``, as it is demangled."""
        ...

    def decoder_at(self, address: int) -> ValueDecoder | None:
        """The decoder of the module at ``address``; None without debug information."""
        ...


class Dynamic(Protocol):
    """What types leave to be computed in a frame."""

    def element_count(self, subrange: int) -> int | None:
        """Elements of a variable-length array; None if the frame does not know."""
        ...

    def member_address(self, member: int, address: int) -> int | None:
        """Where a member with a location expression is (virtual bases)."""
        ...

    def implementor(self, vtable: int) -> int:
        """DIE of the type with this vtable (Rust's trait objects); 0: not known."""
        ...


class Presenter(Protocol):
    """What knows better than their members what values of some classes are."""

    def reader(
        self, decoder: ValueDecoder, handle: int, name: str, raw: Read
    ) -> Read | None:
        """A reader that presents values of a type; None: they are shown as they are.

        ``name`` is what the debug information calls it; ``raw`` reads its members.
        """
        ...


class ValueDecoder:
    """Readers for the types of one debug file, over one process."""

    def __init__(
        self,
        graph: TypeGraph,
        process: Process,
        dynamic: Dynamic,
        allowance: Allowance,
        limits: ValueLimits,
        *,
        x87: bool,
        presenter: Presenter | None = None,
        targets: Targets | None = None,
    ) -> None:
        self.graph = graph
        self.process = process
        self.dynamic = dynamic
        self.allowance = allowance
        self.limits = limits
        self.targets = targets or Targets(allowance, limits.nodes_per_target)
        self.little_endian = graph.little_endian
        self.x87 = x87
        self._presenter = presenter
        self._readers: dict[int, Read] = {}
        self._names: dict[int, str] = {}
        self._pointers = PointerReaders(self)
        self._arrays = ArrayReaders(self)
        self._compounds = CompoundReaders(self)

    def reader(self, handle: int) -> Read:
        """The reader for values of this type."""
        found = self._readers.get(handle)
        if found is None:
            found = self._readers[handle] = self._compile(handle)
        return found

    def _compile(self, handle: int) -> Read:
        found = self.graph.peeled(handle)
        name = self.name(handle)
        if isinstance(found, BaseType):
            return read_scalar(
                found,
                name,
                little_endian=self.little_endian,
                x87=self.x87,
                textual=self.character_size(handle) > 0,
            )
        if isinstance(found, EnumType):
            return read_enum(found, name, little_endian=self.little_endian)
        if isinstance(found, PointerType):
            return self._pointers.pointer(found, name)
        if isinstance(found, MemberPointerType):
            return self._pointers.member_pointer(found, name)
        if isinstance(found, ArrayType):
            return self._arrays.array(found, name, found.dimensions)
        if isinstance(found, CompoundType):
            raw = self._compounds.compound(found, name)
            if self._presenter is None:
                return raw
            return self._presenter.reader(self, handle, found.name or "", raw) or raw
        return valueless_reader(name)

    def name(self, handle: int) -> str:
        """The type as one writes it."""
        found = self._names.get(handle)
        if found is None:
            found = self._names[handle] = type_name(self.graph, handle)
        return found

    def is_complete(self, handle: int) -> bool:
        """Whether there is a value to read."""
        found = self.graph.peeled(handle)
        if isinstance(found, CompoundType | EnumType):
            return found.complete
        return not isinstance(found, VoidType | FunctionType)

    def character_size(self, handle: int) -> int:
        """Bytes of a character, if strings are made of the type; else 0."""
        found = self.graph.peeled(handle)
        if not isinstance(found, BaseType) or found.size not in (1, 2, 4):
            return 0
        is_text = self.name(handle).split()[-1] in _TEXTUAL or is_character(found)
        return found.size if is_text else 0

    def readable_size(self, handle: int) -> int | None:
        """Bytes that a reader needs: of a large array, those of the shown elements.

        None if the size is not known, or above ``ValueLimits.object_size``.
        """
        found = self.graph.peeled(handle)
        size = self.graph.size(handle)
        if isinstance(found, ArrayType) and len(found.dimensions) == 1 and size:
            width = self.graph.size(found.element) or size
            size = min(size, max(self.limits.elements * width, self.limits.text))
            size -= size % width
        return None if size is None or size > self.limits.object_size else size

    def no_size_reason(self, handle: int) -> str:
        """Why ``readable_size`` is None."""
        size = self.graph.size(handle)
        if size is not None:
            return f"too large to keep: {size} bytes"
        if self.is_complete(handle):
            return "not known: its size is computed"
        return "incomplete type: its definition is not in the debug information"

    def read_at(
        self, handle: int, name: str, kind: VariableKind, address: int
    ) -> Variable:
        """The value of this type that is in memory at ``address``."""
        found = self.graph.peeled(handle)
        if isinstance(found, ArrayType) and any(d.dynamic for d in found.dimensions):
            return self._read_dynamic(found, name, kind, address)
        shown = self.name(handle)
        size = self.readable_size(handle)
        if size is None:
            reason = self.no_size_reason(handle)
            return Variable(name, shown, kind, address=address, missing=reason)
        return self._read(self.reader(handle), shown, name, kind, address, size)

    def _read(
        self,
        read: Read,
        type_name: str,
        name: str,
        kind: VariableKind,
        address: int,
        size: int,
    ) -> Variable:
        try:
            data = self.process.read(address, size)
        except MemoryReadError as error:
            reason = f"not in the core: {error.address:#x}"
            return Variable(name, type_name, kind, address=address, missing=reason)
        return read(name, kind, data, 0, address)

    def _read_dynamic(
        self, found: ArrayType, name: str, kind: VariableKind, address: int
    ) -> Variable:
        """A variable-length array: its type is only known in the frame."""
        counts = [
            self.dynamic.element_count(d.dynamic) if d.dynamic else d.count
            for d in found.dimensions
        ]
        dimensions = tuple(Dimension(count) for count in counts)
        type_name = array_name(self.graph, found.element, dimensions)
        if None in counts:
            reason = "not known: the array's bound is optimized out"
            return Variable(name, type_name, kind, address=address, missing=reason)
        width = self.graph.size(found.element) or 0
        for dimension in dimensions[1:]:
            width *= dimension.count or 0
        count = min(counts[0] or 0, max(self.limits.elements, self.limits.text))
        size = min(count * width, self.limits.object_size)
        read = self._arrays.array(found, type_name, dimensions)
        return self._read(read, type_name, name, kind, address, size)
