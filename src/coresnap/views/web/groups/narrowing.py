"""What a page is narrowed to: conditions as people write them, and a period."""

from __future__ import annotations

import re

import attrs

from coresnap.store.query.filter_words import all_of, fingerprint_filter, parse_filter
from coresnap.store.query.query import AnyOf, Condition, Filter, Operator
from coresnap.store.query.sql.conditions import quote
from coresnap.views.web.groups.period import Span, find_period
from coresnap.views.web.page import Visit

__all__ = ["Narrowing", "condition_word"]

_HAS_SIGN = re.compile(r"[=~<>]|,[a-z-]+(?:,|$)")
_ALTERNATIVE = " || "
_SEARCHED = (
    "application",
    "callstack",
    "fingerprint.message",
    "kernel.panic",
)
"""Where a plain word is looked for: what titles of groups are made of, and more."""
_DIGITS = re.compile(r"[0-9a-f]{8,64}")


@attrs.frozen
class Narrowing:
    """What the faults that a page is about have in common."""

    words: tuple[str, ...]
    """Conditions; all of them hold."""
    span: Span

    @classmethod
    def of(cls, visit: Visit, now: int) -> Narrowing:
        """Read the fields ``filter`` and ``age``; raise UsageError."""
        words = (word.strip() for word in visit.query.get("filter", ()))
        age = visit.query.get("age", ("",))[-1]
        return cls(tuple(w for w in words if w), find_period(age).span(now))

    def filter(self, *more: Filter) -> Filter:
        """Return what a fault has to pass; raise QueryError for no condition."""
        parts = (_parsed(word) for word in self.words)
        return all_of((*parts, *self.span.filters(), *more))


def condition_word(attribute: str, value: object) -> str:
    """Return the word that stands for: the attribute has this value."""
    text = str(value)
    if _ALTERNATIVE not in text:
        return f"{attribute}={text}"
    return rf"{attribute}~\A{quote(text)}\z"


def _parsed(word: str) -> Filter:
    """Return the filter of a word; a plain one is looked for where people would."""
    if _HAS_SIGN.search(word):
        return parse_filter(word)
    if _DIGITS.fullmatch(word):
        return fingerprint_filter(word)
    return AnyOf(
        tuple(
            Condition(name, Operator.CONTAINS, word, ignore_case=True)
            for name in _SEARCHED
        )
    )
