"""Which names a query can use, and what stands behind them."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping

from coresnap.errors import QueryError
from coresnap.snapshot.escape import quoted
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import JOINED
from coresnap.store.query.query import Derivation, Derived

__all__ = ["derived_attribute", "find", "select_names", "vocabulary"]


def vocabulary(
    known: Mapping[str, Attribute], derived: Iterable[Derived]
) -> dict[str, Attribute]:
    """Return every attribute of a query by name: known, joined and derived ones."""
    names = {**JOINED, **known}
    for column in derived:
        names[column.name] = derived_attribute(column, find(column.attribute, names))
    return names


def derived_attribute(column: Derived, base: Attribute) -> Attribute:
    """Return what a derived column is: its kind, and how it is shown."""
    is_integer = base.kind is Kind.INTEGER and float(column.width).is_integer()
    if column.operation is Derivation.QUANTIZE and not is_integer:
        return Attribute(column.name, Kind.NUMBER, base.format, base.unit)
    return Attribute(column.name, Kind.INTEGER, base.format, base.unit)


def find(name: str, names: Mapping[str, Attribute]) -> Attribute:
    """Return the attribute with this name; QueryError says which ones are near."""
    attribute = names.get(name)
    if attribute is not None:
        return attribute
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    raise QueryError(
        f"there is no attribute {quoted(name)}",
        remedy=(f"Did you mean {' or '.join(near)}? " if near else "")
        + "`coroner describe` lists all attributes.",
    )


def select_names(
    patterns: Iterable[str], names: Mapping[str, Attribute]
) -> tuple[str, ...]:
    """Return the names that are selected, each once.

    ``*`` stands for any rest; those it stands for come in the order of their names,
    and the group's attributes only if the pattern begins with ``group``.
    """
    chosen: dict[str, None] = {}
    for pattern in patterns:
        if "*" not in pattern:
            chosen[find(pattern, names).name] = None
            continue
        for name in sorted(names):
            is_meant = name not in JOINED or pattern.startswith("group")
            if is_meant and fnmatch.fnmatchcase(name, _only_stars(pattern)):
                chosen[name] = None
    return tuple(chosen)


def _only_stars(pattern: str) -> str:
    return pattern.replace("[", "[[]").replace("?", "[?]")
