"""Finding secrets by literals first, and by expressions only where one stands.

A search for a literal runs at the speed of memory, one for an expression fifty times
slower; a snapshot may hold a hundred megabytes. Every expression here is bounded: what
one attempt looks at does not grow with the text.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

__all__ = ["Haystack", "Pattern", "Span"]

Span = tuple[int, int]
"""First byte, and first byte behind it."""

_NAME = (string.ascii_letters + string.digits + "_").encode()
_LONGEST_NAME = 64


class Haystack:
    """Bytes that are searched, and the same in lower case."""

    __slots__ = ("data", "folded")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.folded = data.lower()


class Pattern:
    """An expression that is tried wherever one of its literals stands."""

    __slots__ = ("_begins_a_word", "_expression", "_literals")

    def __init__(
        self, literals: str, expression: str, *, begins_a_word: bool = False
    ) -> None:
        """Take literals in lower case, separated by spaces; the expression must match
        from a literal on or, if it ``begins_a_word``, from the start of the name that
        the literal is a part of. Its group, if it has one, is the secret.
        """
        self._literals = tuple(literals.encode().split(b" "))
        self._expression = re.compile(expression.encode())
        self._begins_a_word = begins_a_word

    def spans(self, haystack: Haystack) -> Iterator[Span]:
        """Yield where secrets are."""
        for literal in self._literals:
            at = haystack.folded.find(literal)
            while at >= 0:
                match = self._expression.match(haystack.data, self._start(haystack, at))
                end = at + 1
                if match is not None:
                    yield match.span(match.lastindex or 0)
                    end = max(match.end(), end)
                at = haystack.folded.find(literal, end)

    def _start(self, haystack: Haystack, at: int) -> int:
        if not self._begins_a_word:
            return at
        before = haystack.data[max(0, at - _LONGEST_NAME) : at]
        return at - (len(before) - len(before.rstrip(_NAME)))
