"""What a printer is, and what it answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from coresnap.analysis.pretty.types import ValueType
from coresnap.analysis.pretty.value import Value
from coresnap.errors import InputError

__all__ = [
    "UNFIT",
    "CorruptValueError",
    "Item",
    "Present",
    "Presentation",
    "Printer",
    "numbered",
]

Item = tuple[str, Value]
"""Name and value of something that a container holds."""


def numbered(values: Iterable[Value]) -> Iterator[Item]:
    """The values, named by their positions."""
    return ((f"[{index}]", value) for index, value in enumerate(values))


class CorruptValueError(InputError):
    """The value's bytes contradict each other; the message says how."""


UNFIT = (InputError, ArithmeticError, LookupError, ValueError)
"""What a printer raises for types and values that nobody has thought of."""


class Presentation(msgspec.Struct, frozen=True, eq=False):
    """One value, presented."""

    text: str | None = None
    """One line about the value."""
    items: Iterable[Item | tuple[Value, Value]] = ()
    """What it holds, in order; of a map (key, value). Read no further than the limits
    of a snapshot allow, so it may be endless."""
    count: int | None = None
    """How many items there are; None if that is not known before they are read."""
    like: Value | None = None
    """Present it as this value is: for what only wraps another value. If the
    presentation has a text, it stays, and what is no pointer becomes an item."""
    target: Value | None = None
    """What it points to."""
    number: int | None = None
    """The number that it stands for, such as the address of ``target``."""
    contents: bool = False
    """``text`` is the text that the value holds, and not about the value."""
    truncated: bool = False
    """The text is cut."""
    constructor: str | None = None
    """What the items are arguments of: the text becomes ``Some(3)``."""


Present = Callable[[Value], Presentation]
"""Presents a value of the type that it was made for."""

Printer = Callable[[ValueType], "Present | None"]
"""Called once for a type: how its values are presented, None if they are not its."""
