"""What a condition compares an attribute with."""

from __future__ import annotations

import math

import msgspec

from coresnap.errors import QueryError
from coresnap.snapshot.escape import quoted
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.parsing import parse
from coresnap.store.fault import Value
from coresnap.store.query import limits
from coresnap.store.query.query import AllOf, AnyOf, Condition, Filter, Operator
from coresnap.store.query.times import parse_moment
from coresnap.store.query.values import as_text

__all__ = ["NEGATIONS", "ORDERED", "PATTERNS", "check_condition", "compared_value"]

PATTERNS = (Operator.REGULAR_EXPRESSION, Operator.INVERSE_REGULAR_EXPRESSION)
ORDERED = (
    Operator.AT_LEAST,
    Operator.GREATER_THAN,
    Operator.AT_MOST,
    Operator.LESS_THAN,
)
NEGATIONS = {
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.INVERSE_REGULAR_EXPRESSION: Operator.REGULAR_EXPRESSION,
    Operator.NOT_CONTAINS: Operator.CONTAINS,
    Operator.IS_NOT_SET: Operator.IS_SET,
}
"""Operators that are true exactly where another one is not, so also for unset ones."""

_TEXTUAL = (*PATTERNS, Operator.CONTAINS, Operator.NOT_CONTAINS)
_BARE = (Operator.IS_SET, Operator.IS_NOT_SET)


def check_condition(condition: Condition, attribute: Attribute, now: int) -> Filter:
    """Return the condition with the value of its attribute's kind.

    A comparison that no value can pass, or every one, becomes an empty AnyOf or AllOf.
    Raises QueryError for values and operators that the attribute cannot have.
    """
    operator, value = condition.operator, condition.value
    if operator in _BARE:
        if value is not None or condition.ignore_case:
            raise QueryError(f"{operator} takes no value", remedy="Leave it out.")
        return condition
    if value is None:
        raise QueryError(
            f"{operator} needs a value to compare {attribute.name} with",
            remedy="Give one, or use is-set or is-not-set.",
        )
    is_text = attribute.kind in (Kind.TEXT, Kind.LABELS)
    if operator in _TEXTUAL and not is_text:
        raise QueryError(
            f"{operator} needs text, and {attribute.name} is {attribute.kind}",
            remedy="Compare it with =, !=, <, <=, > or >=.",
        )
    if condition.ignore_case and (not is_text or operator in ORDERED):
        raise QueryError(
            f"case cannot be ignored in {operator} of {attribute.name}",
            remedy="Leave case-insensitive out; it is for texts, not for order.",
        )
    if is_text:
        return _check_text(condition, attribute, value)
    return _check_number(condition, attribute, value, now)


def _check_text(condition: Condition, attribute: Attribute, value: Value) -> Condition:
    is_pattern = condition.operator in PATTERNS
    text = as_text(value)
    if not is_pattern and isinstance(value, str):
        text = str(parse(text, attribute)) if attribute.name == "object" else text
    _check_length(text, limits.PATTERN if is_pattern else limits.TEXT)
    if "\0" in text and is_pattern:
        raise QueryError(
            "a regular expression has a NUL in it", remedy=r"Write it as \x00."
        )
    is_word = condition.operator in (Operator.CONTAINS, Operator.NOT_CONTAINS)
    if attribute.kind is Kind.LABELS and is_word and (not text or " " in text):
        raise QueryError(
            f"{quoted(text)} is no label: {attribute.name} contains words",
            remedy="Give one word; for several write several conditions.",
        )
    return msgspec.structs.replace(condition, value=text)


def _check_length(text: str, limit: int) -> None:
    if len(text) > limit:
        raise QueryError(
            f"a value has {len(text)} characters, more than {limit}",
            remedy="Compare with a part of it.",
        )


def _check_number(
    condition: Condition, attribute: Attribute, value: Value, now: int
) -> Filter:
    number = _number(value, attribute, now)
    is_fraction = attribute.kind is Kind.INTEGER and isinstance(number, float)
    if is_fraction and condition.operator is Operator.EQUAL:
        return AnyOf()
    if is_fraction and condition.operator is Operator.NOT_EQUAL:
        return AllOf()
    operator, exact = compared_value(condition.operator, number, attribute, now)
    return msgspec.structs.replace(condition, operator=operator, value=exact)


def compared_value(
    operator: Operator, value: Value, attribute: Attribute, now: int
) -> tuple[Operator, Value]:
    """Return operator and value of the attribute's kind that mean the same.

    An integer at least 1.5 is one at least 2. Raises QueryError where there is none.
    """
    if attribute.kind in (Kind.TEXT, Kind.LABELS):
        text = as_text(value)
        _check_length(text, limits.TEXT)
        return operator, text
    number = _number(value, attribute, now)
    if isinstance(number, int) or attribute.kind is Kind.NUMBER:
        return operator, number
    if operator not in ORDERED:
        raise QueryError(
            f"{attribute.name} is never {number}", remedy="Compare with an integer."
        )
    if operator in (Operator.AT_LEAST, Operator.LESS_THAN):
        return operator, math.ceil(number)
    return operator, math.floor(number)


def _number(value: Value, attribute: Attribute, now: int) -> int | float:
    """Return an integer in 64 bits, a finite float for what has a fraction."""
    if isinstance(value, str):
        value = _parsed(value, attribute, now)
    number = value if isinstance(value, int) else float(value)
    if attribute.kind is Kind.NUMBER:
        number = _double(number) + 0.0
    elif isinstance(number, float) and number.is_integer():
        number = int(number)
    is_large = isinstance(number, int) and not -(2**63) <= number < 2**63
    if is_large or not math.isfinite(number):
        raise QueryError(
            f"{value} is no value of {attribute.name}",
            remedy="Integers have 64 bits, other numbers are finite.",
        )
    return number


def _double(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _parsed(text: str, attribute: Attribute, now: int) -> int | float:
    _check_length(text, limits.TEXT)
    if attribute.format == "timestamp" and not text.strip().isdigit():
        return parse_moment(text, now)
    number = parse(text, attribute)
    if isinstance(number, str):
        raise TypeError(f"{attribute.kind} parsed as text")
    return number
