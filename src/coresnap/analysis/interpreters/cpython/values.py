"""From Python objects to variables, within a budget."""

from __future__ import annotations

import msgspec

from coresnap.analysis.interpreters.cpython.objects import Objects, ObjectType
from coresnap.analysis.values.limits import Allowance, ValueLimits
from coresnap.errors import InputError
from coresnap.model import Variable, VariableKind

__all__ = ["LIMITS", "ValueReader"]

LIMITS = ValueLimits(
    depth=3, elements=20, text=512, nodes_per_variable=100, nodes=50_000
)
"""Objects refer to whole programs, and many frames hold the same ones."""
_WIDEST = 1 << 63
_MEMBER, _ELEMENT = VariableKind.MEMBER, VariableKind.ELEMENT


class _Value(msgspec.Struct):
    """A variable before it has a name and a place."""

    type: str
    value: int | float | str | bool | None = None
    text: str | None = None
    described: bool = False
    items: tuple[Variable, ...] = ()
    truncated: bool = False


class ValueReader:
    """Reads values; what was cut says so, what cannot be read says why."""

    def __init__(self, objects: Objects, limits: ValueLimits = LIMITS) -> None:
        self._objects = objects
        self._limits = limits
        self._allowance = Allowance.of(limits)

    @property
    def exhausted(self) -> bool:
        """There was no budget for all values."""
        return self._allowance.total <= 0

    def variable(self, name: str, address: int, kind: VariableKind) -> Variable:
        """The object at ``address`` under a name."""
        self._allowance.begin(self._limits)
        self._allowance.spend(1)
        return self._read(name, address, kind, self._limits.depth)

    def one_line(self, address: int, nested: bool = False) -> str:
        """What ``repr`` might say of an object, cut; raises ``InputError``."""
        if not nested and self._objects.type_of(address).family == "tuple":
            return f"({self._listed(address)})"
        found = self._value(address, 0)
        if found.text is not None:
            return repr(found.text) if found.type == "str" else found.text
        return str(found.value) if found.value is not None else f"<{found.type}>"

    def exception(self, address: int) -> str:
        """Type and arguments of an exception; raises ``InputError``."""
        kind = self._objects.type_of(address)
        return f"{_name(kind)}({self._arguments(address)})"

    def _arguments(self, address: int) -> str:
        arguments = self._objects.arguments(address)
        return self._listed(arguments) if arguments else ""

    def _listed(self, address: int) -> str:
        """The first items of a tuple."""
        items, count = self._objects.items(address, "tuple", 3)
        shown = [self.one_line(item, nested=True) for item in items]
        return ", ".join([*shown, "…"] if count > len(items) else shown)

    def _read(
        self, name: str, address: int, kind: VariableKind, depth: int
    ) -> Variable:
        try:
            found = self._value(address, depth)
        except InputError as error:
            return Variable(name, "object", kind, address=address, missing=str(error))
        return Variable(
            name,
            found.type,
            kind,
            found.value,
            found.text,
            address=address,
            truncated=found.truncated,
            items=found.items,
            described=found.described,
        )

    def _value(self, address: int, depth: int) -> _Value:
        kind = self._objects.type_of(address)
        name = _name(kind)
        match kind.family:
            case "int":
                return self._integer(name, address)
            case "str":
                return self._text(name, address)
            case "float":
                return _Value(name, self._objects.floating(address))
            case "bytes":
                data, length = self._objects.data(address, self._limits.text)
                text = data.decode("utf-8", "backslashreplace")
                return _Value(name, text=text, truncated=length > len(data))
            case "list" | "tuple" | "set" | "frozenset":
                return self._sequence(name, kind.family, address, depth)
            case "dict":
                return self._mapping(name, address, depth)
            case "NoneType":
                return _Value(name, text="None", described=True)
            case "type":
                return _Value(
                    name, text=f"<class {self._class(address)}>", described=True
                )
            case "exception":
                return self._instance(self.exception(address), name, address, depth)
            case _:
                return self._other(kind, name, address, depth)

    def _class(self, address: int) -> str:
        return repr(self._objects.type_object_name(address) or f"at {address:#x}")

    def _integer(self, name: str, address: int) -> _Value:
        number = self._objects.integer(address)
        if number is None:
            return _Value(
                name, text="a very large number", described=True, truncated=True
            )
        if name == "bool":
            return _Value(name, bool(number))
        return _Value(name, number if -_WIDEST <= number < 2 * _WIDEST else str(number))

    def _text(self, name: str, address: int) -> _Value:
        text, length = self._objects.text_and_length(address, self._limits.text)
        return _Value(name, text=text, truncated=length > len(text))

    def _other(self, kind: ObjectType, name: str, address: int, depth: int) -> _Value:
        if name == "function":
            function = self._objects.function_name(address)
            return _Value(
                name, text=f"<function {function} at {address:#x}>", described=True
            )
        text = f"<{name} object at {address:#x}>"
        return self._instance(text, name, address, depth)

    # --- what holds others --------------------------------------------------------

    def _sequence(self, name: str, family: str, address: int, depth: int) -> _Value:
        limit = self._limits.elements if depth else 0
        if family in ("list", "tuple"):
            found, count = self._objects.items(address, family, limit)
        else:
            found, count = self._objects.set_items(address, limit)
        items = self._all(
            [(f"[{index}]", item) for index, item in enumerate(found)], _ELEMENT, depth
        )
        return _Value(
            name,
            text=f"{count} item{'' if count == 1 else 's'}",
            described=True,
            items=items,
            truncated=count > len(items),
        )

    def _mapping(self, name: str, address: int, depth: int) -> _Value:
        limit = self._limits.elements if depth else 0
        found, count = self._objects.pairs(address, limit)
        named = [(f"[{self._key(key)}]", value) for key, value in found]
        items = self._all(named, _ELEMENT, depth)
        return _Value(
            name,
            text=f"{count} item{'' if count == 1 else 's'}",
            described=True,
            items=items,
            truncated=count > len(items),
        )

    def _key(self, address: int) -> str:
        try:
            return self.one_line(address)
        except InputError:
            return f"at {address:#x}"

    def _instance(self, text: str, name: str, address: int, depth: int) -> _Value:
        limit = self._limits.elements
        try:
            found = self._objects.attributes(address, limit + 1) if depth else []
        except InputError:
            found = []  # the object itself could be read
        named = [(self._attribute(key), value) for key, value in found[:limit]]
        members = self._all(named, _MEMBER, depth)
        truncated = len(found) > len(members)
        return _Value(name, None, text, True, members, truncated)

    def _attribute(self, address: int) -> str:
        try:
            return self._objects.text(address, 100)
        except InputError:
            return "?"

    def _all(
        self, named: list[tuple[str, int]], kind: VariableKind, depth: int
    ) -> tuple[Variable, ...]:
        found: list[Variable] = []
        for name, address in named:
            if not self._allowance.spend(1):
                break
            found.append(self._read(name, address, kind, depth - 1))
        return tuple(found)


def _name(kind: ObjectType) -> str:
    """What a type is called; one without a name by what it descends from."""
    return kind.name or kind.family or "object"
