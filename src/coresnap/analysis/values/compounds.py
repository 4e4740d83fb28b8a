"""Structs, classes and unions: members, base classes, bit-fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from coresnap.analysis.values.scalars import (
    Read,
    integer_unpacker,
    missing_reader,
    valueless_reader,
)
from coresnap.analysis.values.types import (
    ArrayType,
    BaseType,
    CompoundType,
    EnumType,
    Member,
    VariantPart,
)
from coresnap.model import Variable, VariableKind

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder

__all__ = ["CompoundReaders"]

_OUTSIDE = "damaged debug information: the member is outside of its type"
_MemberPlan = tuple[Read, str, VariableKind, int]
"""Reader, name, kind and byte offset of one member."""


class CompoundReaders:
    """Compiles readers for structs, classes and unions."""

    def __init__(self, decoder: ValueDecoder) -> None:
        self._decoder = decoder

    def compound(self, found: CompoundType, type_name: str) -> Read:
        """A reader that reads the members' types when it is first used."""
        allowance = self._decoder.allowance
        plan: list[_MemberPlan] | None = None
        active: Read | None = None
        if found.variants is not None:
            active = self._variant(found, found.variants, type_name)

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            nonlocal plan
            if plan is None:
                plan = [self._member(found, member) for member in found.members]
            if active is not None:
                return active(name, kind, data, offset, address)
            if not plan:
                return Variable(name, type_name, kind, address=address)
            if allowance.depth <= 0 or not allowance.spend(len(plan)):
                return Variable(name, type_name, kind, address=address, truncated=True)
            allowance.depth -= 1
            members = []
            for member, label, role, at in plan:
                place = None if address is None else address + at
                members.append(member(label, role, data, offset + at, place))
            allowance.depth += 1
            return Variable(
                name, type_name, kind, None, None, tuple(members), None, address
            )

        return read

    def _variant(self, found: CompoundType, part: VariantPart, type_name: str) -> Read:
        """A reader that shows the variant that there is, as a member."""
        decoder = self._decoder
        allowance = decoder.allowance
        number = self._discriminant(found, part)
        plans: dict[int, _MemberPlan] = {}

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            member = part.numbered.get(number(data, offset), part.default)
            if member is None:
                reason = "corrupt: no variant has this number"
                return Variable(name, type_name, kind, address=address, missing=reason)
            if allowance.depth <= 0 or not allowance.spend(1):
                return Variable(name, type_name, kind, address=address, truncated=True)
            plan = plans.get(id(member))
            if plan is None:
                plan = plans[id(member)] = self._member(found, member)
            of_member, label, role, at = plan
            allowance.depth -= 1
            place = None if address is None else address + at
            held = of_member(label, role, data, offset + at, place)
            allowance.depth += 1
            return Variable(name, type_name, kind, None, None, (held,), None, address)

        return read

    def _discriminant(
        self, found: CompoundType, part: VariantPart
    ) -> Callable[[bytes, int], int]:
        """(data, offset) -> the number that tells which variant there is."""
        told = part.discriminant
        size = None if told is None else self._decoder.graph.size(told.type)
        at = 0 if told is None else told.offset or 0
        only = next(iter(part.numbered), 0)
        if not size or at + size > (found.size or 0):
            return lambda data, offset: only
        unpack = integer_unpacker(
            size, signed=False, little_endian=self._decoder.little_endian
        )
        return lambda data, offset: unpack(data, offset + at)

    def _member(self, found: CompoundType, member: Member) -> _MemberPlan:
        decoder = self._decoder
        kind = VariableKind.BASE if member.is_base else VariableKind.MEMBER
        type_name = decoder.name(member.type)
        label = type_name if member.is_base else member.name
        if member.offset is None:
            return self._virtual_base(member, type_name), label, kind, 0
        if member.bit_size is not None:
            return self._bit_field(found, member, type_name), label, kind, 0
        if self._is_flexible(member):
            return valueless_reader(type_name), label, kind, member.offset
        size = decoder.graph.size(member.type)
        if size is None:
            reason = decoder.no_size_reason(member.type)
            return missing_reader(type_name, reason), label, kind, member.offset
        if member.offset + size > (found.size or 0):
            return missing_reader(type_name, _OUTSIDE), label, kind, 0
        return decoder.reader(member.type), label, kind, member.offset

    def _is_flexible(self, member: Member) -> bool:
        found = self._decoder.graph.peeled(member.type)
        return isinstance(found, ArrayType) and found.dimensions[0].count is None

    def _virtual_base(self, member: Member, type_name: str) -> Read:
        decoder = self._decoder

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            place = None
            if address is not None:
                place = decoder.dynamic.member_address(member.expression, address)
            if place is None:
                reason = "not known: the object's address or its vtable is missing"
                return Variable(name, type_name, kind, missing=reason)
            if decoder.allowance.depth <= 0:
                return Variable(name, type_name, kind, address=place, truncated=True)
            return decoder.read_at(member.type, name, kind, place)

        return read

    def _bit_field(self, found: CompoundType, member: Member, type_name: str) -> Read:
        bits, start = member.bit_size or 0, member.bit_offset
        first, last = start // 8, (start + max(bits, 1) - 1) // 8
        if not 0 < bits <= 128 or start < 0 or last >= (found.size or 0):
            return missing_reader(type_name, _OUTSIDE)
        little_endian = self._decoder.little_endian
        width = last - first + 1
        shift = start - first * 8
        if not little_endian:
            shift = width * 8 - shift - bits
        unpack = integer_unpacker(width, signed=False, little_endian=little_endian)
        mask = (1 << bits) - 1
        widen = self._widener(member.type, bits)
        read_whole = self._decoder.reader(member.type)

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            number = unpack(data, offset + first) >> shift & mask
            return read_whole(name, kind, widen(number), 0, None)

        return read

    def _widener(self, handle: int, bits: int) -> Callable[[int], bytes]:
        """How to make a whole value of the field's type from its bits."""
        found = self._decoder.graph.peeled(handle)
        size = found.size or 8
        signed = (isinstance(found, BaseType) and found.is_signed) or (
            isinstance(found, EnumType) and found.signed
        )
        order: Literal["little", "big"]
        order = "little" if self._decoder.little_endian else "big"
        whole = (1 << 8 * size) - 1

        def widen(number: int) -> bytes:
            if signed and number >> (bits - 1):
                number -= 1 << bits
            return (number & whole).to_bytes(size, order)

        return widen
