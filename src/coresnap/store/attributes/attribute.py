"""What is known of one attribute: the noun that queries and lists are made by."""

from __future__ import annotations

import enum

import attrs

__all__ = ["Attribute", "Kind"]


class Kind(enum.StrEnum):
    """What an attribute's values are, and so how they compare."""

    INTEGER = "integer"
    """64 bits, signed."""
    NUMBER = "number"
    """IEEE 754, 64 bits."""
    TEXT = "text"
    """Unicode; compares byte by byte in UTF-8."""
    LABELS = "labels"
    """Words separated by spaces: a histogram counts each word."""


@attrs.frozen
class Attribute:
    """One attribute of a project's faults."""

    name: str
    kind: Kind
    format: str = "none"
    """How a value is shown and compared: ``bytes``, ``seconds``, ``timestamp``,
    ``semver``, ``address``, ``commit``, ``uuid``, ``ip``, ``callstack``, …
    (``docs/attributes.md``)."""
    unit: str = ""
    description: str = ""
    is_protected: bool = False
    """Shown only to those who may see arguments, environment and memory."""
    is_known: bool = False
    """One of ours, with a column of its own; else it was discovered on arrival."""
