"""How large a query may be, so that each has an answer in bounded time and memory."""

from __future__ import annotations

__all__ = [
    "BINS",
    "CONDITIONS",
    "DEPTH",
    "DERIVED",
    "DISTRIBUTION",
    "FOLDS",
    "GROUPS",
    "HAVING",
    "HISTOGRAM",
    "KEYS",
    "OFFSET",
    "ORDER",
    "PATTERN",
    "ROWS",
    "SELECT",
    "TEXT",
    "VALUES",
    "VERSIONS",
]

CONDITIONS = 200
"""Conditions in a filter."""
DEPTH = 10
"""Filters within filters."""
KEYS = 8
"""Attributes that are grouped by."""
FOLDS = 32
HAVING = 16
ORDER = 8
DERIVED = 16
SELECT = 1000
"""Selected attributes, after ``*`` became names."""
GROUPS = 1000
"""Groups on one page."""
ROWS = 10_000
"""Selected faults on one page."""
OFFSET = 1_000_000
PATTERN = 1000
"""Characters of a regular expression."""
TEXT = 10_000
"""Characters of a value."""
VALUES = 10_000
"""Values, or intervals, that one fold shows at most."""
HISTOGRAM = 1000
"""Values that a histogram shows when it does not say how many."""
DISTRIBUTION = 10
"""The same of a distribution."""
BINS = 10
"""Intervals of a ``bin`` that does not say how many."""
VERSIONS = 10_000
"""Different versions that can be put into order."""
