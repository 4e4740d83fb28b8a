"""The tree of a query. Whoever asks builds it, whoever answers walks it.

It travels as JSON, field by field (``docs/query.md``), and is compiled to the SQL of
the engine that holds the index. ``tests/store/query/naive.py`` evaluates it row by row;
what that says is what it means.
"""

from __future__ import annotations

import enum

import msgspec

from coresnap.store.fault import Value

__all__ = [
    "AllOf",
    "AnyOf",
    "Condition",
    "Derivation",
    "Derived",
    "Filter",
    "Fold",
    "FoldName",
    "Having",
    "NoneOf",
    "Operator",
    "Order",
    "OrderBy",
    "Query",
    "TimeUnit",
]


class Operator(enum.StrEnum):
    """How a condition compares an attribute with its value."""

    EQUAL = "equal"
    NOT_EQUAL = "not-equal"
    REGULAR_EXPRESSION = "regular-expression"
    INVERSE_REGULAR_EXPRESSION = "inverse-regular-expression"
    AT_LEAST = "at-least"
    GREATER_THAN = "greater-than"
    AT_MOST = "at-most"
    LESS_THAN = "less-than"
    CONTAINS = "contains"
    NOT_CONTAINS = "not-contains"
    IS_SET = "is-set"
    IS_NOT_SET = "is-not-set"


class Condition(msgspec.Struct, frozen=True, tag="condition", omit_defaults=True):
    """One attribute compared with one value."""

    attribute: str
    operator: Operator
    value: Value | None = None
    """None for ``is-set`` and ``is-not-set``. Text is read as the attribute's format
    says: ``2 GiB``, ``yesterday``, ``0x10``."""
    ignore_case: bool = False
    """For texts: as RE2's ``(?i)`` does."""


class AllOf(msgspec.Struct, frozen=True, tag="all"):
    """True if every part is; so without parts."""

    parts: tuple[Filter, ...] = ()


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    """True if one part is."""

    parts: tuple[Filter, ...] = ()


class NoneOf(msgspec.Struct, frozen=True, tag="none"):
    """True if no part is."""

    parts: tuple[Filter, ...] = ()


Filter = Condition | AllOf | AnyOf | NoneOf


class FoldName(enum.StrEnum):
    """What is made of an attribute's values in a group. Unset ones do not count."""

    HEAD = "head"
    """The value of the fault that was accepted first."""
    TAIL = "tail"
    """The value of the fault that was accepted last."""
    UNIQUE = "unique"
    """How many distinct values; of labels, words."""
    COUNT = "count"
    """How many faults have the attribute."""
    HISTOGRAM = "histogram"
    """Every value with its count, the most frequent first; of labels every word."""
    DISTRIBUTION = "distribution"
    """The same for the ``size`` most frequent, and what is left as one count."""
    BIN = "bin"
    """Counts in ``size`` intervals of equal width, empty ones among them."""
    QUANTIZE = "quantize"
    """Counts in the intervals of the width ``width`` that are not empty."""
    SUM = "sum"
    MEAN = "mean"
    MINIMUM = "min"
    MAXIMUM = "max"
    RANGE = "range"
    """Smallest and largest."""
    OBJECT = "object"
    """The object id of the fault that was accepted last of those that have the
    attribute."""


class Fold(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fold of one attribute."""

    name: FoldName
    attribute: str
    size: int = 0
    """How many values, or intervals; 0 is the fold's default."""
    width: float = 0
    """Of an interval."""
    lower: float | None = None
    """Where the first interval begins; None: at the smallest value of all faults that
    pass the filter."""
    upper: float | None = None
    """Where the last interval ends; None: at the largest."""


class Derivation(enum.StrEnum):
    """How a column is computed."""

    QUANTIZE = "quantize"
    """To the next lower multiple of ``width``."""
    TRUNCATE = "truncate"
    """A time to the beginning of its ``unit``, in UTC."""


class TimeUnit(enum.StrEnum):
    """What a time is truncated to."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    """That begins on Monday."""
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Derived(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column that is computed from an attribute; it is used by its name."""

    name: str
    attribute: str
    operation: Derivation
    width: float = 0
    unit: TimeUnit | None = None


class Having(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition on a group's count or on one of its folds."""

    operator: Operator
    """``equal``, ``not-equal``, ``at-least``, ``greater-than``, ``at-most`` or
    ``less-than``."""
    value: Value
    fold: int | None = None
    """Index in ``Query.folds`` of a fold with single values; None is the count."""
    part: int = 0
    """Of a ``range``: 0 is the smallest, 1 the largest."""


class OrderBy(enum.StrEnum):
    """What groups and rows are sorted by."""

    COUNT = "count"
    """Groups by how many faults they have."""
    KEY = "key"
    """Groups by one attribute of their key: ``part`` is its index."""
    FOLD = "fold"
    """Groups by a fold with single values."""
    ATTRIBUTE = "attribute"
    """Rows by an attribute."""


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sorted by. What is unset comes last, in both directions.

    After all orders groups are sorted by their keys, rows by acceptance, the last
    accepted first. Without any, groups are sorted by count, the largest first.
    """

    by: OrderBy
    descending: bool = False
    attribute: str = ""
    """For ``attribute``."""
    fold: int = 0
    """Index in ``Query.folds``, for ``fold``."""
    part: int = 0
    """Of a key, or of a ``range``."""


class Query(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is asked of one project's faults.

    With ``select`` the rows are faults, else they are groups of faults that have the
    same values of ``group``; without both, all faults are one group. ``group`` (of the
    workflow), ``group.state``, ``group.assignee``, ``group.first_seen``, … can be used
    as attributes of each fault (``attributes.catalogue.JOINED``).
    """

    filter: Filter = AllOf()
    group: tuple[str, ...] = ()
    folds: tuple[Fold, ...] = ()
    having: tuple[Having, ...] = ()
    order: tuple[Order, ...] = ()
    select: tuple[str, ...] = ()
    """Names of attributes; ``*`` in a name stands for any rest."""
    derived: tuple[Derived, ...] = ()
    limit: int = 20
    offset: int = 0
    until: int | None = None
    """Sequence that the faults have at most: what came later is not there, so that
    pages stay as they are. None: the answer says where it was pinned."""
