"""Numbers of payment cards and social security, as text.

Of numbers that are no text, such as pointers, nothing is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from coresnap.snapshot.scrubbing.pattern import Haystack, Pattern, Span

__all__ = ["CardNumbers", "SocialSecurityNumbers"]

_MOST = 19
_PLAIN = re.compile(rb"[0-9]{13,}")
_WRITTEN = re.compile(
    rb"[0-9]{4}([ -])(?:[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{3})?"
    rb"|[0-9]{6}\1[0-9]{4,5})"
)
"""The ways in which people write them; other numbers in a row are no card's."""
_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (300_000, 305_999, frozenset({14})),  # Diners Club
    (340_000, 349_999, frozenset({15})),  # American Express
    (352_800, 358_999, frozenset({16, 17, 18, 19})),  # JCB
    (360_000, 369_999, frozenset({14})),  # Diners Club
    (370_000, 379_999, frozenset({15})),  # American Express
    (380_000, 399_999, frozenset({14})),  # Diners Club
    (400_000, 499_999, frozenset({13, 16, 19})),  # Visa
    (501_800, 501_899, frozenset({16, 17, 18, 19})),  # Maestro
    (502_000, 502_099, frozenset({16, 17, 18, 19})),  # Maestro
    (503_800, 503_899, frozenset({16, 17, 18, 19})),  # Maestro
    (510_000, 559_999, frozenset({16})),  # Mastercard
    (222_100, 272_099, frozenset({16})),  # Mastercard
    (601_100, 601_199, frozenset({16, 19})),  # Discover
    (620_000, 629_999, frozenset({16, 17, 18, 19})),  # UnionPay
    (630_400, 630_499, frozenset({16, 17, 18, 19})),  # Maestro
    (644_000, 659_999, frozenset({16, 19})),  # Discover
    (675_900, 676_399, frozenset({16, 17, 18, 19})),  # Maestro
)
"""Range of the first six digits, and how many digits such a number has
(ISO/IEC 7812; the issuers' published ranges)."""


class CardNumbers:
    """Scrubber ``ccn``: right length for the issuer, and right check digit."""

    def spans(self, haystack: Haystack) -> Iterator[Span]:
        """Yield where card numbers are."""
        data = haystack.data
        for run in _PLAIN.finditer(data):
            start, end = run.span()
            known = end - start <= _MOST and _is_card(run.group())
            if known and not _is_part(data, start, end):
                yield start, end
        written = _WRITTEN.search(data)
        while written is not None:
            start, end = written.span()
            digits = written.group().replace(written[1], b"")
            if _is_card(digits) and not _is_part(data, start, end):
                yield start, end
                start = end
            # Its last groups may be the first ones of another.
            written = _WRITTEN.search(data, start + 1)


def _is_part(data: bytes, start: int, end: int) -> bool:
    """Whether it is a piece of something longer: a hexadecimal number, a decimal."""
    before, after = data[max(0, start - 2) : start], data[end : end + 2]
    return bool(
        (before and before[-1] in _WORD)
        or (after and after[0] in _WORD)
        or (before[-1:] == b"." and before[:1].isdigit())
        or (after[:1] == b"." and after[1:].isdigit())
    )


def _is_card(digits: bytes) -> bool:
    prefix = int(digits[:6])
    known = any(
        first <= prefix <= last and len(digits) in lengths
        for first, last, lengths in _ISSUERS
    )
    return known and _has_check_digit(digits) and len(set(digits)) > 1


def _has_check_digit(digits: bytes) -> bool:
    """The formula of Luhn, ISO/IEC 7812-1 annex B."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = character - 0x30
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


_DASHED = re.compile(rb"[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}")
_AREA = r"(?!000|666)[0-8][0-9]{2}"
_REST = r"(?!00)[0-9]{2}[ -]?(?!0000)[0-9]{4}"

_NAMED = (
    Pattern("ssn", rf"(?i:ssn)[^0-9A-Za-z\0]{{0,8}}({_AREA}[ -]?{_REST})(?![0-9])"),
)


class SocialSecurityNumbers:
    """Scrubber ``ssn``: with dashes anywhere, without them behind the word."""

    def spans(self, haystack: Haystack) -> Iterator[Span]:
        """Yield where social security numbers are."""
        data = haystack.data
        for match in _DASHED.finditer(data):
            area, group, serial = match.group().split(b"-")
            issued = area not in (b"000", b"666") and group != b"00"
            start, end = match.span()
            around = data[max(0, start - 1) : start] + data[end : end + 1]
            alone = not any(one in _WORD or one == 0x2D for one in around)
            if issued and serial != b"0000" and alone:
                yield start, end
        for pattern in _NAMED:
            yield from pattern.spans(haystack)
