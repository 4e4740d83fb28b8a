"""Pointers and references: the address, and what stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from coresnap.analysis.values.dynamic_types import DynamicTypes
from coresnap.analysis.values.scalars import Read, integer_unpacker
from coresnap.analysis.values.targets import Lead
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

_BASE_LIMIT = 16
"""First bases of first bases."""
_Behind = tuple[str | None, Variable | None, bool]
"""Text, target, and whether the target was left out for lack of allowance."""
_NOTHING: _Behind = (None, None, False)
_LATER: _Behind = (*_NOTHING,)
"""The target is read later in the walk. Another object: it is told by its identity."""


class PointerReaders:
    """Compiles readers for pointers; ``Targets`` follows them."""

    def __init__(self, decoder: ValueDecoder) -> None:
        self._decoder = decoder
        self._allowance = decoder.allowance
        self._targets = decoder.targets
        self._dynamic_types = DynamicTypes(decoder)

    def pointer(self, found: PointerType, type_name: str) -> Read:
        """A reader for a pointer or reference; its target's type is read on use."""
        unpack = self._unpacker(found.size or 0)
        behind: Callable[[int], _Behind] | None = None
        cost = int(found.kind is PointerKind.POINTER)

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            nonlocal behind
            value = unpack(data, offset)
            if value == 0:
                return Variable(name, type_name, kind, 0, None, (), None, address)
            if behind is None:
                behind = self._behind(found)
            what = behind(value)
            text, target, cut = what
            variable = Variable(
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
            if what is _LATER:
                self._targets.postpone(variable, self._lead(value, found.target), cost)
            return variable

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
        is_class = isinstance(target, CompoundType) and not target.complete
        if is_class and decoder.graph.is_cplusplus(target.handle):
            return self._follow_declared(
                found.target, int(found.kind is PointerKind.POINTER)
            )
        if isinstance(target, VoidType) or not decoder.is_complete(found.target):
            return lambda value: _NOTHING
        is_pointer = found.kind is PointerKind.POINTER
        width = decoder.character_size(found.target)
        if width and is_pointer:
            return self._string(width)
        return self._follow(found.target, int(is_pointer))

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

    def _follow(self, target: int, cost: int) -> Callable[[int], _Behind]:
        targets = self._targets

        def behind(value: int) -> _Behind:
            if targets.pending is not None:
                return _LATER
            found, cut = targets.follow(self._lead(value, target), cost)
            return None, found, cut

        return behind

    def _follow_declared(self, target: int, cost: int) -> Callable[[int], _Behind]:
        """For a class that is only declared here: clang describes one with virtual
        methods where its constructor is, which may be in another module."""
        follow = self._follow(target, cost)
        dynamic_types = self._dynamic_types

        def behind(value: int) -> _Behind:
            return (
                _NOTHING
                if dynamic_types.whole(value, target) is None
                else follow(value)
            )

        return behind

    def _lead(self, value: int, target: int) -> Lead:
        name = self._decoder.name(target)
        whole = self._dynamic_types.whole(value, target)
        if whole is None:
            return Lead(value, target, name, self._read_target)
        type = whole.type or target
        return Lead(whole.address, type, name, self._read_whole, whole)

    def _read_target(self, lead: Lead) -> Variable:
        kind = VariableKind.TARGET
        return self._decoder.read_at(lead.type, "*", kind, lead.address)

    def _read_whole(self, lead: Lead) -> Variable:
        assert lead.whole is not None
        decoder = lead.whole.decoder or self._decoder
        found = decoder.read_at(lead.type, "*", VariableKind.TARGET, lead.address)
        return replace(found, type=lead.type_name, dynamic_type=lead.whole.name)

    def member_pointer(self, found: MemberPointerType, type_name: str) -> Read:
        """A reader for a C++ pointer to member (Itanium C++ ABI, 2.3)."""
        size = self._decoder.graph.pointer_size
        is_function = (found.size or 0) > size
        unpack = integer_unpacker(
            size, signed=not is_function, little_endian=self._decoder.little_endian
        )
        names = self._member_names(found)
        methods = self._virtual_methods(found) if is_function else {}
        order = self._decoder.graph.byte_order

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            value = unpack(data, offset)
            text = self._method_text(value, methods) if is_function else names(value)
            word = data[offset + size : offset + 2 * size] if is_function else b""
            adjustment = int.from_bytes(word, order, signed=True)
            if adjustment:
                text = f"{text}, this adjustment {adjustment}"
            return Variable(name, type_name, kind, value, text, (), None, address)

        return read

    def _method_text(self, value: int, methods: dict[int, str]) -> str | None:
        if value & 1:
            slot = (value - 1) // self._decoder.graph.pointer_size
            name = methods.get(slot)
            return f"&virtual {name}" if name else f"virtual, vtable offset {value - 1}"
        return self._decoder.process.symbol(value) if value else "NULL"

    def _virtual_methods(self, found: MemberPointerType) -> dict[int, str]:
        """Names of the container's virtual methods by place in its vtable."""
        graph = self._decoder.graph
        methods: dict[int, str] = {}
        pending = [found.container]
        for _ in range(_BASE_LIMIT):
            if not pending:
                break
            container = graph.peeled(pending.pop())
            if isinstance(container, CompoundType):
                for slot, name in graph.virtual_methods(container.handle):
                    methods.setdefault(slot, f"{container.name}::{name}")
                # The vtable begins with that of the first base.
                pending += [m.type for m in container.members[:1] if m.is_base]
        return methods

    def _member_names(self, found: MemberPointerType) -> Callable[[int], str | None]:
        names = {-1: "NULL"}
        container = self._decoder.graph.peeled(found.container)
        if isinstance(container, CompoundType):
            for member in container.members:
                if member.offset is not None and not member.is_base:
                    label = f"&{container.name}::{member.name}"
                    names.setdefault(member.offset, label)
        return names.get
