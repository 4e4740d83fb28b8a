"""Reads objects of built-in types. Sizes are believed up to a limit only."""

from __future__ import annotations

import msgspec

from coresnap.analysis.interpreters.cpython.layouts import ObjectLayout
from coresnap.analysis.interpreters.cpython.target import Target
from coresnap.errors import InputError

__all__ = ["ObjectType", "Objects"]

_NAME_LIMIT = 256
_DIGITS_LIMIT = 512
_DIGIT_BITS = 30
_SCAN_LIMIT = 4096
"""Slots of one set or dict that are looked at."""
_SLOTS_LIMIT = 1_000_000
"""Slots of all of them; hostile ones may be empty."""
_BASIC_SIZE, _DICT_OFFSET = 8, 264
"""From ``tp_name``."""
_MANAGED_DICT, _INLINE_VALUES, _HEAP_TYPE = 1 << 4, 1 << 2, 1 << 9
_SUBCLASSES = {
    24: "int",
    25: "list",
    26: "tuple",
    27: "bytes",
    28: "str",
    29: "dict",
    30: "exception",
    31: "type",
}
"""Bit of ``tp_flags`` (``Py_TPFLAGS_LONG_SUBCLASS``, …) to what it is one of."""


class ObjectType(msgspec.Struct, frozen=True):
    """A type: what its instances are called, and how they are read."""

    address: int
    name: str | None
    """None where the name is in a file that we do not have."""
    flags: int
    basic_size: int
    dict_offset: int
    family: str | None
    """Built-in type that it is, or descends from."""


class Objects:
    """The objects of one process."""

    def __init__(self, target: Target, layout: ObjectLayout) -> None:
        self._target = target
        self._layout = layout
        self._types: dict[int, ObjectType] = {}
        self._slots = _SLOTS_LIMIT

    def type_of(self, address: int) -> ObjectType:
        """The type of an object."""
        return self.type_at(self._target.word(address + self._layout.object_type))

    def type_at(self, address: int) -> ObjectType:
        """The type that lies at ``address``."""
        known = self._types.get(address)
        if known is None:
            known = self._types[address] = self._read_type(address)
        return known

    def _read_type(self, address: int) -> ObjectType:
        target, name = self._target, address + self._layout.type_text
        flags = target.word(address + self._layout.type_flags)
        family = next((n for bit, n in _SUBCLASSES.items() if flags >> bit & 1), None)
        text = self._type_name(address, flags)
        if family is None and text in ("float", "set", "frozenset", "cell", "NoneType"):
            family = text
        return ObjectType(
            address,
            text,
            flags,
            target.signed_word(name + _BASIC_SIZE),
            target.signed_word(name + _DICT_OFFSET),
            family,
        )

    def _type_name(self, address: int, flags: int) -> str | None:
        if flags & _HEAP_TYPE:
            return self.text(self._target.word(address + self._layout.type_name))
        start = self._target.word(address + self._layout.type_text)
        name = self._target.read_string(start, _NAME_LIMIT)
        return None if name is None else name.decode("utf-8", "backslashreplace")

    # --- scalars --------------------------------------------------------------

    def text(self, address: int, limit: int = 1024) -> str:
        """The first ``limit`` characters of a str."""
        return self.text_and_length(address, limit)[0]

    def text_and_length(self, address: int, limit: int) -> tuple[str, int]:
        """The first ``limit`` characters of a str, and how many it has."""
        target, layout = self._target, self._layout
        length = target.signed_word(address + layout.text_length)
        state = target.word(address + layout.text_state)
        # interned:2, kind:3, compact:1, ascii:1; bit-fields begin at the lowest bit.
        width, compact, ascii_only = state >> 2 & 7, state >> 5 & 1, state >> 6 & 1
        if width not in (1, 2, 4) or length < 0:
            raise InputError(f"the str at {address:#x} is damaged")
        if not compact:
            data = target.word(address + layout.compact_size)
        else:
            data = address + (layout.ascii_size if ascii_only else layout.compact_size)
        count = min(length, limit)
        order = "be" if target.byte_order == "big" else "le"
        encoding = {1: "latin-1", 2: f"utf-16-{order}", 4: f"utf-32-{order}"}[width]
        raw = target.read(data, count * width)
        return raw.decode(encoding, "backslashreplace"), length

    def integer(self, address: int) -> int | None:
        """The value of an int; None beyond 15,360 bits."""
        size = self._target.signed_word(address + self._layout.integer_size)
        count, negative = abs(size), size < 0
        if self._layout.tagged_integers:
            # lv_tag: the sign is 0 (positive), 1 (zero) or 2 (negative).
            count, negative = (size & (1 << 64) - 1) >> 3, size & 3 == 2
            if size & 3 == 1:
                return 0
        if count > _DIGITS_LIMIT:
            return None
        raw = self._target.read(address + self._layout.integer_digits, 4 * count)
        order = self._target.byte_order
        value = 0
        for at in range(4 * count - 4, -4, -4):
            value = value << _DIGIT_BITS | int.from_bytes(raw[at : at + 4], order)
        return -value if negative else value

    def floating(self, address: int) -> float:
        """The value of a float."""
        return self._target.double(address + self._layout.float_value)

    def data(self, address: int, limit: int) -> tuple[bytes, int]:
        """The first ``limit`` bytes of a bytes object, and how many it has."""
        length = self._count(address)
        data = self._target.read(address + self._layout.bytes_data, min(length, limit))
        return data, length

    def whole_data(self, address: int, limit: int) -> bytes:
        """A bytes object as a whole; raises ``InputError`` if beyond ``limit``."""
        data, length = self.data(address, limit)
        if length > limit:
            raise InputError(f"the bytes object at {address:#x} is too long")
        return data

    # --- containers -----------------------------------------------------------

    def _count(self, address: int) -> int:
        count = self._target.signed_word(address + self._layout.item_count)
        if count < 0:
            raise InputError(f"the object at {address:#x} has {count} items")
        return count

    def items(self, address: int, family: str, limit: int) -> tuple[list[int], int]:
        """Addresses of the first items of a list or tuple, and how many it has."""
        count = self._count(address)
        if family == "list":
            start = self._target.word(address + self._layout.list_items)
        else:
            start = address + self._layout.tuple_items
        shown = min(count, limit)
        return list(self._target.words(start, shown)) if shown else [], count

    def set_items(self, address: int, limit: int) -> tuple[list[int], int]:
        """Addresses of the first elements of a set, and how many it has."""
        target, layout = self._target, self._layout
        used = target.signed_word(address + layout.set_used)
        slots = target.signed_word(address + layout.set_mask) + 1
        table = target.word(address + layout.set_table)
        found: list[int] = []
        for index in range(self._scanned(slots)):
            if len(found) >= min(limit, used):
                break
            key, value = target.words(table + 16 * index, 2)
            if key and value != (1 << 64) - 1:  # a deleted element hashes to -1
                found.append(key)
        return found, used

    def pairs(self, address: int, limit: int) -> tuple[list[tuple[int, int]], int]:
        """Addresses of the first keys and values of a dict, and how many it has."""
        keys, values = self._target.words(address + self._layout.dict_keys, 2)
        used = self._target.signed_word(address + 16)
        if values:
            values += self._layout.values_header
        wanted = min(limit, max(used, 0))
        return self._key_values(keys, values, wanted), used

    def _key_values(self, keys: int, values: int, limit: int) -> list[tuple[int, int]]:
        start, step, count = self._entries(keys)
        found: list[tuple[int, int]] = []
        for index in range(self._scanned(count)):
            if len(found) >= limit:
                break
            entry = start + step * index
            key, value = self._target.words(entry + step - 16, 2)
            if values:
                value = self._target.word(values + 8 * index)
            if key and value:
                found.append((key, value))
        return found

    def _scanned(self, slots: int) -> int:
        """How many of a container's slots may still be looked at."""
        if self._slots <= 0:
            raise InputError(f"more than {_SLOTS_LIMIT} slots of dicts and sets")
        slots = min(max(slots, 0), _SCAN_LIMIT)
        self._slots -= slots
        return slots

    def _entries(self, keys: int) -> tuple[int, int, int]:
        """``PyDictKeysObject``: where its entries are, bytes of each, how many."""
        target = self._target
        if self._layout.log2_keys:
            index_size, kind = target.byte(keys + 9), target.byte(keys + 10)
            if index_size > 40:
                raise InputError(f"the keys of a dict at {keys:#x} are damaged")
            # Where all keys are str, their hashes are not kept.
            step = 24 if kind == 0 else 16
            return keys + 32 + (1 << index_size), step, target.word(keys + 24)
        size = target.word(keys + 8)
        width = 1 if size <= 0xFF else 2 if size <= 0xFFFF else 4
        return keys + 40 + size * width, 24, target.word(keys + 32)

    def attributes(self, address: int, limit: int) -> list[tuple[int, int]]:
        """Names and values of an instance's own attributes, at most ``limit``."""
        kind = self.type_of(address)
        if kind.flags & _MANAGED_DICT and self._layout.log2_keys:
            return self._managed(address, kind, limit)
        if kind.dict_offset <= 0:
            return []
        found = self._target.word(address + kind.dict_offset)
        return self.pairs(found, limit)[0] if found else []

    def _managed(
        self, address: int, kind: ObjectType, limit: int
    ) -> list[tuple[int, int]]:
        """The attributes of an instance whose dict lies before it, or not yet is."""
        values = self._unborn_values(address, kind)
        if values:
            keys = self._target.word(kind.address + self._layout.cached_keys)
            return self._key_values(keys, values, limit) if keys else []
        found = self._target.word(address - 24)
        return self.pairs(found, limit)[0] if found and not found & 1 else []

    def _unborn_values(self, address: int, kind: ObjectType) -> int:
        """The values that no dict was made for yet; 0 if there are none."""
        layout, word = self._layout, self._target.word(address - 24)
        if layout.values_header:  # 3.13: behind the object
            inline = kind.flags & _INLINE_VALUES and not word
            return address + kind.basic_size + layout.values_header if inline else 0
        if layout.tagged_integers:  # 3.12: in the dict's place, marked
            return word + 1 if word & 1 else 0
        return 0 if word else self._target.word(address - 32)  # 3.11: beside it

    def function_name(self, address: int) -> str:
        """The name of a Python function."""
        return self.text(self._target.word(address + self._layout.function_name))

    def type_object_name(self, address: int) -> str | None:
        """The name of a class."""
        return self.type_at(address).name

    def arguments(self, address: int) -> int:
        """The tuple of an exception's arguments; 0 if it has none."""
        return self._target.word(address + 24)

    def cell(self, address: int) -> int:
        """What a cell holds; 0 for nothing."""
        return self._target.word(address + 16)
