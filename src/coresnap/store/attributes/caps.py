"""What a snapshot may bring into the index: how many attributes, and how long.

The number of attributes is a door for denial of service (bugsink 2.4.0); what is beyond
these bounds is left out of the index alone, and counted. The snapshot keeps it.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping

import attrs

from coresnap.store.attributes.catalogue import CATALOGUE, JOINED
from coresnap.store.fault import Value

__all__ = [
    "CALLSTACK_SIZE",
    "NAMES",
    "PER_FAULT",
    "VALUE_SIZE",
    "Capped",
    "Loss",
    "capped",
]

PER_FAULT = 256
"""Attributes of one fault."""
NAMES = 1000
"""Attributes that are discovered in one project."""
VALUE_SIZE = 1024
"""Bytes of a text."""
CALLSTACK_SIZE = 64 * 1024
"""The same, in an attribute of the format ``callstack``."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,127}")
_OURS = {*JOINED, "object", "object.size", "timestamp.received", "fingerprint"}


class Loss(enum.StrEnum):
    """Why a value is not in the index, or not as it was."""

    NAME = "name"
    """Its name is longer than 128 characters, or has others than letters, digits and
    ``_ . : @ + -``."""
    NUMBER = "number"
    """The fault has more attributes than one may have."""
    PROJECT = "project"
    """It is new, and the project has as many as it may have."""
    SIZE = "size"
    """A text was cut."""
    KIND = "kind"
    """The attribute is one of ours, whose values are of another kind."""
    RESERVED = "reserved"
    """The name is of an attribute that the store itself gives."""


@attrs.frozen
class Capped:
    """Attributes within the bounds of a fault."""

    attributes: dict[str, Value]
    losses: dict[str, Loss]
    """Name to why it is not there as it was."""


def capped(attributes: Mapping[str, Value]) -> Capped:
    """Return what of ``attributes`` may be indexed, ours before others, in order."""
    kept: dict[str, Value] = {}
    losses: dict[str, Loss] = {}
    # Whoever adds a thousand names must not push out ours.
    for name in sorted(attributes, key=lambda n: (n not in CATALOGUE, n)):
        value = attributes[name]
        if not _NAME.fullmatch(name):
            losses[name[:128]] = Loss.NAME
        elif name in _OURS:
            losses[name] = Loss.RESERVED
        elif len(kept) >= PER_FAULT:
            losses[name] = Loss.NUMBER
        elif isinstance(value, float) and not math.isfinite(value):
            losses[name] = Loss.KIND  # neither JSON nor the index knows it
        else:
            kept[name] = _cut(name, value)
            if kept[name] != value:
                losses[name] = Loss.SIZE
    return Capped(kept, losses)


def _cut(name: str, value: Value) -> Value:
    if not isinstance(value, str):
        return int(value) if isinstance(value, bool) else value
    # NUL cannot be in PostgreSQL's texts, nor in C's.
    value = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    limit = CALLSTACK_SIZE if name.startswith("callstack") else VALUE_SIZE
    if len(value) * 4 <= limit:
        return value
    return value.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
