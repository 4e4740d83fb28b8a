"""One key of coresnap.conf: where it stands, what it may be, what it means."""

from __future__ import annotations

import re

import attrs

__all__ = ["Setting"]


@attrs.frozen
class Setting:
    """One key of coresnap.conf."""

    section: str
    name: str
    """As in the file; ``N`` after the last dot stands for any whole number."""
    kind: str
    """What a value looks like; a key of ``kinds.PARSERS``, or choices by ``|``."""
    default: str
    """As it would stand in the file."""
    meaning: str
    per_application: bool = False
    """May also stand in a section ``[application PATTERN]``."""
    field: str = ""
    """The field of ``Config``, where it is not the name with underscores."""

    @property
    def attribute(self) -> str:
        """The field of ``Config`` that holds the value."""
        return self.field or self.name.replace(".", "_")

    @property
    def is_numbered(self) -> bool:
        """Whether the key may stand several times, with a number each."""
        return self.name.endswith(".N")

    def is_named(self, key: str) -> bool:
        """Whether ``key`` in a file means this setting."""
        if self.is_numbered:
            return bool(re.fullmatch(re.escape(self.name[:-1]) + "[0-9]{1,6}", key))
        return key == self.name
