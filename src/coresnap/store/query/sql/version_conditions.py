"""Comparisons of versions: no engine knows their order, so it gives the different ones.

There are few of them, even of many faults. What compares as asked becomes a list.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.errors import QueryError
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.query import limits
from coresnap.store.query.comparing import ORDERED
from coresnap.store.query.query import (
    AnyOf,
    Condition,
    Filter,
    Operator,
)
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.versions import VersionRank, version_rank

__all__ = ["different_versions", "is_version", "with_listed_versions"]


def is_version(attribute: Attribute) -> bool:
    """Tell whether an attribute's values are ordered as versions."""
    return attribute.format == "semver" and attribute.kind is Kind.TEXT


def with_listed_versions(asking: Asking, part: Filter) -> Filter:
    """Return a filter with lists of versions in place of comparisons with one."""
    if not isinstance(part, Condition):
        parts = tuple(with_listed_versions(asking, inner) for inner in part.parts)
        return msgspec.structs.replace(part, parts=parts)
    attribute = asking.names[part.attribute]
    if part.operator not in ORDERED or not is_version(attribute):
        return part
    bound = version_rank(str(part.value))
    passes = _COMPARED[part.operator]
    return AnyOf(
        tuple(
            Condition(part.attribute, Operator.EQUAL, version)
            for version in different_versions(asking, part.attribute)
            if passes(version_rank(version), bound)
        )
    )


_COMPARED: dict[Operator, Callable[[VersionRank, VersionRank], bool]] = {
    Operator.AT_LEAST: lambda version, bound: version >= bound,
    Operator.GREATER_THAN: lambda version, bound: version > bound,
    Operator.AT_MOST: lambda version, bound: version <= bound,
    Operator.LESS_THAN: lambda version, bound: version < bound,
}


def different_versions(asking: Asking, name: str) -> list[str]:
    """Return every version that a fault of the project has, in their order.

    Raises QueryError if there are more than ``limits.VERSIONS``.
    """
    rows = asking.rows()
    column = rows.column(name)
    most = rows.add(limits.VERSIONS + 1)
    found = asking.run(
        f"SELECT DISTINCT {column} FROM {rows.text()} WHERE {column} IS NOT NULL "
        f"LIMIT {most}",
        rows,
    )
    if len(found) > limits.VERSIONS:
        raise QueryError(
            f"{name} has more than {limits.VERSIONS} values: too many to order them",
            remedy=f"Compare {name} by = or by a regular expression.",
        )
    versions = [str(version) for (version,) in found]
    return sorted(versions, key=lambda text: (version_rank(text), text.encode()))
