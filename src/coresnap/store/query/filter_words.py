"""Filters as words of a command line.

::

    application=simple              hostname!=db1      callstack~free.*main
    application~*^SIMPLE            vm.rss.size>=1GiB  process.age<30
    callstack,contains,malloc,case-insensitive         error.type,is-set
    signal=SIGSEGV || signal=SIGBUS

Values stay texts here: what they are follows from the attribute (``checking.check``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from coresnap.errors import QueryError
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Operator,
)

__all__ = ["SIGNS", "all_of", "fingerprint_filter", "parse_filter"]

SIGNS = {
    "=": (Operator.EQUAL, False),
    "!=": (Operator.NOT_EQUAL, False),
    "~": (Operator.REGULAR_EXPRESSION, False),
    "!~": (Operator.INVERSE_REGULAR_EXPRESSION, False),
    "~*": (Operator.REGULAR_EXPRESSION, True),
    "!~*": (Operator.INVERSE_REGULAR_EXPRESSION, True),
    ">=": (Operator.AT_LEAST, False),
    "<=": (Operator.AT_MOST, False),
    ">": (Operator.GREATER_THAN, False),
    "<": (Operator.LESS_THAN, False),
}
"""Operators by their signs, and whether they ignore case."""

_SIGNED = re.compile(
    r"\s*(?P<name>[^\s,=!~<>|]+)\s*(?P<sign>!~\*|!~|~\*|~|!=|>=|<=|=|>|<)(?P<value>.*)",
    re.DOTALL,
)
_NAMED = re.compile(
    r"\s*(?P<name>[^\s,=!~<>|]+),(?P<operator>[a-z-]+)(?:,(?P<value>.*))?", re.DOTALL
)
_IGNORE_CASE = ",case-insensitive"
_BARE = (Operator.IS_SET, Operator.IS_NOT_SET)


def parse_filter(word: str) -> Filter:
    """Return the filter of one word; alternatives in it are separated by `` || ``.

    Raises QueryError for what is not a filter.
    """
    alternatives = tuple(_parse_condition(part) for part in word.split(" || "))
    return alternatives[0] if len(alternatives) == 1 else AnyOf(alternatives)


def all_of(filters: Iterable[Filter]) -> Filter:
    """Return the filter that is true where every one of them is."""
    parts: list[Filter] = []
    for part in filters:
        if isinstance(part, AllOf):
            parts.extend(part.parts)
        else:
            parts.append(part)
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def fingerprint_filter(prefix: str, attribute: str = "group") -> Filter:
    """Return the filter for what begins with hex digits; 64 of them are all.

    Raises QueryError for other characters.
    """
    digits = prefix.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{1,64}", digits):
        raise QueryError(
            f"not the beginning of a fingerprint: {prefix}",
            remedy="Give hexadecimal digits; `coroner list` prints 64 for each group.",
        )
    if len(digits) == 64:
        return Condition(attribute, Operator.EQUAL, digits)
    return AllOf(
        (
            Condition(attribute, Operator.AT_LEAST, digits),
            Condition(attribute, Operator.LESS_THAN, digits + "g"),
        )
    )


def _parse_condition(word: str) -> Condition:
    # an operator by name first: `a,regular-expression,x=y` has a sign in its value
    if match := _NAMED.fullmatch(word):
        return _named(match, word)
    if match := _SIGNED.fullmatch(word):
        operator, ignore_case = SIGNS[match["sign"]]
        return Condition(match["name"], operator, match["value"], ignore_case)
    raise QueryError(
        f"not a filter: {word}",
        remedy="Write it as application=simple or callstack,regular-expression,free.",
    )


def _named(match: re.Match[str], word: str) -> Condition:
    try:
        operator = Operator(match["operator"])
    except ValueError:
        raise QueryError(
            f"unknown operator {match['operator']} in the filter {word}",
            remedy="Operators: " + ", ".join(Operator) + ".",
        ) from None
    value: str | None = match["value"]
    if operator in _BARE:
        if value:
            raise QueryError(
                f"{operator} takes no value, in the filter {word}",
                remedy=f"Write it as {match['name']},{operator}.",
            )
        return Condition(match["name"], operator)
    if value is None:
        raise QueryError(
            f"{operator} needs a value, in the filter {word}",
            remedy=f"Write it as {match['name']},{operator},VALUE.",
        )
    ignore_case = value.endswith(_IGNORE_CASE)
    return Condition(
        match["name"], operator, value.removesuffix(_IGNORE_CASE), ignore_case
    )
