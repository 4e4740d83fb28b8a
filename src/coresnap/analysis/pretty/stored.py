"""Values of a snapshot, for printers: its variables and the memory it keeps.

A snapshot has no types, only what was read by them. A value here is a variable of the
snapshot with its members; what is elsewhere in memory can be read if the snapshot has
a variable of that type there, or if it is a plain number in memory that was kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import msgspec

from coresnap.analysis.pretty.names import bare_name, type_arguments
from coresnap.analysis.pretty.stored_process import StoredProcess
from coresnap.analysis.pretty.types import Slot, ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.errors import InputError
from coresnap.model import Variable, VariableKind

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder

__all__ = ["StoredType", "StoredValue"]

_NUMBERS = {
    **{name: (1, True) for name in ("char", "signed char", "i8", "int8_t")},
    **{name: (1, False) for name in ("unsigned char", "bool", "u8", "uint8_t")},
    **{name: (2, True) for name in ("short", "short int", "i16", "int16_t")},
    **{name: (2, False) for name in ("unsigned short", "u16", "uint16_t")},
    **{name: (4, True) for name in ("int", "i32", "int32_t")},
    **{name: (4, False) for name in ("unsigned int", "unsigned", "u32", "uint32_t")},
    **{name: (8, True) for name in ("long long", "long long int", "i64", "int64_t")},
    **{name: (8, False) for name in ("unsigned long long", "u64", "uint64_t")},
}
"""Size and whether signed, of types that are the same everywhere."""
_WORDS = {
    **{name: True for name in ("long", "long int", "isize", "ssize_t", "ptrdiff_t")},
    **{
        name: False
        for name in ("unsigned long", "long unsigned int", "usize", "size_t")
    },
}
"""Whether signed, of types as large as a pointer."""


class StoredType(ValueType):
    """A type as far as a variable of it shows it."""

    def __init__(
        self, process: StoredProcess, name: str, sample: Variable | None = None
    ) -> None:
        self._process = process
        self._sample = sample
        self._name = name.removeprefix("const ").removeprefix("struct ")
        self.handle = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredType) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)

    @property
    def decoder(self) -> ValueDecoder:
        """What has the limits and the memory."""
        return cast("ValueDecoder", self._process)

    @property
    def name(self) -> str:
        """The name as the snapshot has it, without const and struct."""
        return self._name

    @property
    def bare_name(self) -> str:
        """``name`` without template arguments and versions."""
        return bare_name(self._name)

    @property
    def plain(self) -> ValueType:
        """The type itself: a snapshot does not say what a typedef is of."""
        return self

    @property
    def _layout(self) -> tuple[int, bool] | None:
        if self.is_pointer:
            return self._process.pointer_size, False
        if self._name in _WORDS:
            return self._process.pointer_size, _WORDS[self._name]
        return _NUMBERS.get(self._name)

    @property
    def size(self) -> int:
        """Bytes of a pointer or a plain number; raises ``InputError`` for others."""
        if self._layout is None:
            raise InputError(f"a snapshot does not say how large {self._name} is")
        return self._layout[0]

    @property
    def is_complete(self) -> bool:
        """Whether the size is known."""
        return self._layout is not None

    @property
    def is_pointer(self) -> bool:
        """Whether it is written as a pointer or reference."""
        return self._name.endswith(("*", "&"))

    @property
    def is_number(self) -> bool:
        """Whether ``Value.number`` is there."""
        sample = self._sample
        return self._layout is not None or (
            sample is not None and isinstance(sample.value, int)
        )

    @property
    def is_signed(self) -> bool:
        """Whether a number of this type may be negative."""
        return self._layout is not None and self._layout[1]

    @property
    def character_size(self) -> int:
        """Bytes of a character if strings are made of the type, else 0."""
        return 1 if self._name in ("char", "u8") else 0

    @property
    def target(self) -> ValueType | None:
        """What a pointer points to."""
        if not self.is_pointer:
            return None
        sample = self._sample.target if self._sample is not None else None
        return StoredType(self._process, self._name[:-1].rstrip(), sample)

    @property
    def element(self) -> ValueType | None:
        """What an array is made of."""
        members = self._sample.members if self._sample is not None else ()
        if not members or members[0].kind is not VariableKind.ELEMENT:
            return None
        return StoredType(self._process, members[0].type, members[0])

    @property
    def arguments(self) -> tuple[ValueType | int | None, ...]:
        """Template arguments, by their names."""
        return tuple(
            int(text) if text.isdecimal() else StoredType(self._process, text)
            for text in type_arguments(self._name)
        )

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the own members that the sample has."""
        members = self._sample.members if self._sample is not None else ()
        return tuple(m.name for m in members if m.kind is VariableKind.MEMBER)

    @property
    def bases(self) -> tuple[Slot, ...]:
        """The base classes that the sample has."""
        members = self._sample.members if self._sample is not None else ()
        return tuple(
            _StoredSlot((m.name,), StoredType(self._process, m.type, m))
            for m in members
            if m.kind is VariableKind.BASE
        )

    def slot(self, *path: str) -> Slot | None:
        """Where a member is; None if the sample has none of the name."""
        found = self._sample
        for name in path:
            found = _find(found, name) if found is not None else None
        if found is None:
            return None
        return _StoredSlot(path, StoredType(self._process, found.type, found))

    def innermost(self) -> Slot:
        """The type itself: a snapshot does not say which members have no size."""
        return _StoredSlot((), self)

    def nested(self, name: str) -> ValueType | None:
        """None: a snapshot has no types inside of types."""
        return None


class _StoredSlot(Slot):
    """A place that is known by the names that lead to it."""

    __slots__ = ("path",)

    def __init__(self, path: tuple[str, ...], type: StoredType) -> None:
        super().__init__(0, type)
        self.path = path

    def within(self, outer: Slot) -> Slot:
        """This place in a value that is itself at ``outer``."""
        assert isinstance(outer, _StoredSlot)
        assert isinstance(self.type, StoredType)
        return _StoredSlot(outer.path + self.path, self.type)


def _find(variable: Variable, name: str) -> Variable | None:
    for member in variable.members:
        if member.name == name:
            return member
    for member in variable.members:
        if member.kind is VariableKind.BASE or not member.name:
            found = _find(member, name)
            if found is not None:
                return found
    return None


class StoredValue(Value):
    """A variable of a snapshot."""

    __slots__ = ("_process", "_variable")

    def __init__(self, process: StoredProcess, variable: Variable) -> None:
        type = StoredType(process, variable.type, variable)
        super().__init__(type, variable.address)
        self._process = process
        self._variable = variable

    def __getitem__(self, place: Slot | str) -> Value:
        """The member at ``place``. Raises ``KeyError`` if there is none of the name,
        ``InputError`` if the snapshot does not have it."""
        path = place.path if isinstance(place, _StoredSlot) else (str(place),)
        found: Variable | None = self._variable
        for name in path:
            found = _find(found, name) if found is not None else None
        if found is None and isinstance(place, str) and not self._variable.truncated:
            raise KeyError(place)
        if found is None or found.missing is not None:
            raise InputError(f"the snapshot does not have {'.'.join(path)}")
        return StoredValue(self._process, found)

    def integer(self, slot: Slot) -> int:
        """The number at ``slot``."""
        return self[slot].number

    @property
    def number(self) -> int:
        """The number of an integer, enumeration or truth value; a pointer's address."""
        if not isinstance(self._variable.value, int):
            raise InputError(f"{self._variable.name} is no number")
        return self._variable.value

    @property
    def raw(self) -> bytes:
        """The value's bytes, if the memory was kept."""
        return self._process.read(self.address or 0, self.type.size)

    def dereference(self) -> Value:
        """What a pointer or reference points to, if the snapshot has it."""
        target = self._variable.target
        if target is not None and target.missing is None:
            return StoredValue(self._process, target)
        type = self.type.target
        if type is None:
            raise InputError(f"{self.type.name} is no pointer to a value")
        return self.at(self.number, type)

    def at(self, address: int, type: ValueType) -> Value:
        """The value of a type that is elsewhere, if the snapshot has it."""
        found = self._process.variable(address, type.name)
        if found is not None:
            return StoredValue(self._process, found)
        if not type.is_complete:
            raise InputError(f"the snapshot has no {type.name} at {address:#x}")
        data = self._process.read(address, type.size)
        order = "little" if self._process.little_endian else "big"
        number = int.from_bytes(data, order, signed=type.is_signed)  # type: ignore[arg-type]
        kind = VariableKind.TARGET
        return StoredValue(
            self._process, Variable("*", type.name, kind, number, address=address)
        )

    def elements(
        self, type: ValueType, address: int, count: int, stride: int | None = None
    ) -> Iterator[Value]:
        """Values that stand side by side, no more of them than are shown."""
        width = stride or type.size
        for index in range(min(count, self._process.limits.elements + 1)):
            yield self.at(address + index * width, type)

    def show(self, name: str, kind: VariableKind) -> Variable:
        """The variable under another name."""
        return msgspec.structs.replace(self._variable, name=name, kind=kind)
