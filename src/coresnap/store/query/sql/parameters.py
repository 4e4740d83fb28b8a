"""Values on their way into a statement: never in its text."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from coresnap.store.fault import Value

__all__ = ["Parameters"]


@attrs.define
class Parameters:
    """The values of one statement, by the names that stand for them in its text."""

    placeholder: Callable[[str, Value], str]
    """What stands in the text for a name: ``Dialect.placeholder``."""
    values: dict[str, Value] = attrs.field(factory=dict)
    _names: dict[tuple[type, Value], str] = attrs.field(factory=dict)

    def add(self, value: Value) -> str:
        """Take a value over; return the SQL that stands for it.

        The same value has the same SQL, so that equal expressions look equal.
        """
        key = (type(value), value)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"p{len(self.values)}"
            self.values[name] = value
        return self.placeholder(name, value)
