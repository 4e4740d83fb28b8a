"""Pointers and references: the address, and what stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from coresnap.analysis.values.scalars import Read, integer_unpacker
from coresnap.analysis.values.text import text_decoder
from coresnap.analysis.values.types import (
    CompoundType,
    FunctionType,
    MemberPointerType,
    PointerKind,
    PointerType,
    VoidType,
)
from coresnap.model import Variable, VariableKind

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder

__all__ = ["PointerReaders"]

_Behind = tuple[str | None, Variable | None, bool]
"""Text, target, and whether the target was left out for lack of allowance."""
_NOTHING: _Behind = (None, None, False)

_TARGET_LIMIT = 50_000
"""Shared targets remembered."""


class PointerReaders:
    """Compiles readers for pointers. Targets that many pointers share are read once."""

    def __init__(self, decoder: ValueDecoder) -> None:
        self._decoder = decoder
        self._allowance = decoder.allowance
        self._targets: dict[tuple[int, int, int], tuple[Variable, int]] = {}
        self._open: set[tuple[int, int]] = set()

    def pointer(self, found: PointerType, type_name: str) -> Read:
        """A reader for a pointer or reference; its target's type is read on use."""
        unpack = self._unpacker(found.size or 0)
        behind: Callable[[int], _Behind] | None = None

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            nonlocal behind
            value = unpack(data, offset)
            if value == 0:
                return Variable(name, type_name, kind, 0, None, (), None, address)
            if behind is None:
                behind = self._behind(found)
            text, target, cut = behind(value)
            return Variable(
                name,
                type_name,
                kind,
                value,
                text,
                (),
                target,
                address,
                None,
                None,
                cut,
            )

        return read

    def _unpacker(self, size: int) -> Callable[[bytes, int], int]:
        return integer_unpacker(
            size, signed=False, little_endian=self._decoder.little_endian
        )

    def _behind(self, found: PointerType) -> Callable[[int], _Behind]:
        decoder = self._decoder
        target = decoder.graph.peeled(found.target)
        is_vtable = target.name == "__vtbl_ptr_type"
        if isinstance(target, FunctionType) or is_vtable:
            return lambda value: (decoder.process.symbol(value), None, False)
        if isinstance(target, VoidType) or not decoder.is_complete(found.target):
            return lambda value: _NOTHING
        is_pointer = found.kind is PointerKind.POINTER
        width = decoder.character_size(found.target)
        if width and is_pointer:
            return self._string(width)
        return self._follow(found.target, levels=int(is_pointer))

    def _string(self, width: int) -> Callable[[int], _Behind]:
        decoder = self._decoder
        limit = decoder.limits.text
        decode = text_decoder(width, little_endian=decoder.little_endian)

        def behind(value: int) -> _Behind:
            data = decoder.process.read_string(value, limit, width)
            if data is None:
                return _NOTHING
            return decode(data), None, len(data) >= limit

        return behind

    def _follow(self, target: int, *, levels: int) -> Callable[[int], _Behind]:
        allowance = self._allowance
        targets = self._targets
        most = self._decoder.limits.nodes_per_target

        def behind(value: int) -> _Behind:
            if allowance.levels < levels or allowance.depth <= 0:
                return _NOTHING
            key = value, target, allowance.levels
            shared = targets.get(key)
            if shared is not None:
                if allowance.spend(shared[1]):
                    return None, shared[0], False
                return None, None, True
            if not allowance.spend(1):
                return None, None, True
            before = allowance.nodes
            allowance.levels -= levels
            withheld = allowance.confine(most)
            found = self._read_target(value, target)
            allowance.release(withheld)
            allowance.levels += levels
            if len(targets) < _TARGET_LIMIT:
                targets[key] = found, before - allowance.nodes + 1
            return None, found, False

        return behind

    def _read_target(self, value: int, target: int) -> Variable:
        key = value, target
        if key in self._open:
            type_name = self._decoder.name(target)
            reason = f"shown above: {value:#x} leads back to itself"
            return Variable("*", type_name, VariableKind.TARGET, missing=reason)
        self._open.add(key)
        self._allowance.depth -= 1
        try:
            return self._decoder.read_at(target, "*", VariableKind.TARGET, value)
        finally:
            self._allowance.depth += 1
            self._open.discard(key)

    def member_pointer(self, found: MemberPointerType, type_name: str) -> Read:
        """A reader for a C++ pointer to member (Itanium C++ ABI, 2.3)."""
        size = self._decoder.graph.pointer_size
        is_function = (found.size or 0) > size
        unpack = integer_unpacker(
            size, signed=not is_function, little_endian=self._decoder.little_endian
        )
        describe = self._method_text if is_function else self._member_namer(found)

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            value = unpack(data, offset)
            text = describe(value)
            return Variable(name, type_name, kind, value, text, (), None, address)

        return read

    def _method_text(self, value: int) -> str | None:
        if value & 1:
            return f"virtual, vtable offset {value - 1}"
        return self._decoder.process.symbol(value) if value else None

    def _member_namer(self, found: MemberPointerType) -> Callable[[int], str | None]:
        names = {-1: "null"}
        container = self._decoder.graph.peeled(found.container)
        if isinstance(container, CompoundType):
            for member in container.members:
                if member.offset is not None and not member.is_base:
                    label = f"&{container.name}::{member.name}"
                    names.setdefault(member.offset, label)
        return names.get
