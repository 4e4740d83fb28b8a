"""What a query answers."""

from __future__ import annotations

import msgspec

from coresnap.store.fault import Value

__all__ = ["Buckets", "FoldValue", "Group", "Result", "Row"]


class Buckets(msgspec.Struct, frozen=True, omit_defaults=True):
    """Values with their counts: a histogram, a distribution, or intervals."""

    keys: tuple[Value, ...]
    """Values; of intervals their lower ends, empty ones among them for ``bin``."""
    counts: tuple[int, ...]
    rest: int = 0
    """Faults with other values than the shown ones."""
    others: int = 0
    """How many other values there are."""
    width: float = 0
    """Of each interval."""


FoldValue = Value | None | tuple[Value | None, ...] | Buckets
"""One value; smallest and largest of a range; or buckets. None: no fault has any."""


class Group(msgspec.Struct, frozen=True):
    """Faults with equal keys."""

    key: tuple[Value | None, ...]
    count: int
    folds: tuple[FoldValue, ...] = ()
    """In the order of ``Query.folds``."""


class Row(msgspec.Struct, frozen=True):
    """One fault, as selected."""

    values: tuple[Value | None, ...]
    """In the order of ``Result.columns``."""


class Result(msgspec.Struct, frozen=True):
    """One page of an answer."""

    columns: tuple[str, ...]
    """Names of the key's attributes, or of what was selected."""
    groups: tuple[Group, ...] = ()
    rows: tuple[Row, ...] = ()
    total: int = 0
    """How many groups, or rows, all pages have together."""
    faults: int = 0
    """How many faults passed the filter."""
    until: int = 0
    """For ``Query.until`` of the next page."""
    next: int | None = None
    """For ``Query.until`` of the rows behind these, without an offset: as quick for the
    last page as for the first. None behind the last one, and for rows in another order
    than that of acceptance."""
    seconds: float = 0
    """That the engine took."""
