"""Of which class a C++ object really is: its vtable says (Itanium C++ ABI, 2.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.values.types import CompoundType
from coresnap.errors import InputError, MemoryReadError

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder

__all__ = ["DynamicTypes", "WholeObject"]

_DEPTH_LIMIT = 16
"""Base classes of base classes."""
_BASE_LIMIT = 64
"""Classes looked at in search of a base."""
_FARTHEST = 1 << 24
"""Bytes from the start of an object to a base of it."""
_MEMORY_LIMIT = 10_000


class WholeObject(msgspec.Struct, frozen=True):
    """The object that a pointer to one of its bases points into."""

    name: str
    """Its class."""
    address: int
    decoder: ValueDecoder | None
    """Of the module whose debug information has the class; None: none has."""
    type: int


class DynamicTypes:
    """Whole objects behind the pointers of one module."""

    def __init__(self, decoder: ValueDecoder) -> None:
        self._decoder = decoder
        self._polymorphic: dict[int, bool] = {}
        self._classes: dict[int, tuple[str, ValueDecoder | None, int] | None] = {}

    def whole(self, address: int, declared: int) -> WholeObject | None:
        """The object at ``address``, which was declared as of this type; None if it is
        of no other class, or nobody knows."""
        is_incomplete = not self._decoder.is_complete(declared)
        if not is_incomplete and not self._is_polymorphic(declared, _DEPTH_LIMIT):
            return None
        size = self._decoder.graph.pointer_size
        order = self._decoder.graph.byte_order
        process = self._decoder.process
        try:
            vtable = int.from_bytes(process.read(address, size), order)
            found = self._class(vtable)
            if found is None:
                return None
            word = process.read(vtable - 2 * size, size)
        except (MemoryReadError, InputError):
            return None
        to_top = int.from_bytes(word, order, signed=True)
        name, decoder, type = found
        is_declared = decoder is self._decoder and self._is_same(type, declared)
        if is_declared or not -_FARTHEST < to_top <= 0:
            return None
        if is_incomplete and not self._derives(decoder, type, declared):
            return None
        return WholeObject(name, address + to_top, decoder, type)

    def _derives(self, decoder: ValueDecoder | None, type: int, declared: int) -> bool:
        """Whether a class is the declared one, or has it among its bases: what begins
        with a vtable may be of another class whose first member has one."""
        wanted = self._decoder.graph.peeled(declared).name
        pending = [type] if decoder is not None else []
        for _ in range(_BASE_LIMIT):
            if not pending or decoder is None:
                return False
            found = decoder.graph.peeled(pending.pop())
            if found.name == wanted:
                return True
            if isinstance(found, CompoundType):
                pending += [m.type for m in found.members if m.is_base]
        return False

    def _is_same(self, type: int, declared: int) -> bool:
        graph = self._decoder.graph
        one, other = graph.peeled(type), graph.peeled(declared)
        return one is other or (one.name == other.name and one.size == other.size)

    def _is_polymorphic(self, handle: int, depth: int) -> bool:
        found = self._polymorphic.get(handle)
        if found is None:
            found = self._polymorphic[handle] = self._has_vtable(handle, depth)
        return found

    def _has_vtable(self, handle: int, depth: int) -> bool:
        found = self._decoder.graph.peeled(handle)
        if not isinstance(found, CompoundType) or depth <= 0:
            return False
        return any(
            member.name.startswith(("_vptr.", "_vptr$"))
            or (member.is_base and member.offset is None)
            or (
                member.is_base
                and member.offset == 0
                and self._is_polymorphic(member.type, depth - 1)
            )
            for member in found.members
        )

    def _class(self, vtable: int) -> tuple[str, ValueDecoder | None, int] | None:
        if vtable not in self._classes:
            if len(self._classes) >= _MEMORY_LIMIT:
                return None
            self._classes[vtable] = self._find(vtable)
        return self._classes[vtable]

    def _find(self, vtable: int) -> tuple[str, ValueDecoder | None, int] | None:
        name = self._decoder.process.class_of(vtable)
        if name is None:
            return None
        own = self._decoder.graph.find(name)
        if own:
            return name, self._decoder, own
        other = self._decoder.process.decoder_at(vtable)
        if other is not None and other is not self._decoder:
            handle = other.graph.find(name)
            if handle:
                return name, other, handle
        return name, None, 0
