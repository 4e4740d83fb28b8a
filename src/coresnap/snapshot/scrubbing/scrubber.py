"""The scrubbers that rules name, and what they do to text, bytes and memory."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from coresnap.config.bounded_regex import compile_bounded
from coresnap.errors import ConfigError
from coresnap.snapshot.scrubbing.assignments import (
    ENVIRONMENT_PATTERNS,
    TOKEN_PATTERNS,
    URL_PATTERNS,
)
from coresnap.snapshot.scrubbing.keys import KEY_PATTERNS
from coresnap.snapshot.scrubbing.numbers import CardNumbers, SocialSecurityNumbers
from coresnap.snapshot.scrubbing.pattern import Haystack, Pattern, Span
from coresnap.snapshot.scrubbing.rules import BUILT_IN, Rules
from coresnap.snapshot.scrubbing.wide_text import wide_runs

__all__ = ["FILL", "Literals", "Scrubber", "Secrets", "compile_rules", "mark"]

FILL = b"*"
"""What stands in memory for each byte of a secret."""
_MARK = b"[scrubbed "
_PIECE = 1024
"""Bytes that an administrator's expression is tried on at once."""
_OVERLAP = 256
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")
_PIECES = re.compile(rb"[^\0]+")


class Scrubber(Protocol):
    """Finds secrets of one kind."""

    def spans(self, haystack: Haystack) -> Iterator[Span]:
        """Yield where they are, in any order; they may overlap."""


class _Patterns:
    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns

    def spans(self, haystack: Haystack) -> Iterator[Span]:
        for pattern in self._patterns:
            yield from pattern.spans(haystack)


class _Written:
    """An administrator's expression, on pieces that bound what it can cost."""

    def __init__(self, expression: re.Pattern[bytes]) -> None:
        self._expression = expression

    def spans(self, haystack: Haystack) -> Iterator[Span]:
        group = 1 if self._expression.groups else 0
        for run in _PIECES.finditer(haystack.data):
            for start in range(run.start(), run.end(), _PIECE - _OVERLAP):
                piece = haystack.data[start : min(start + _PIECE, run.end())]
                for match in self._expression.finditer(piece):
                    begin, end = match.span(group)
                    if end > begin:
                        yield start + begin, start + end
                if start + _PIECE >= run.end():
                    break


class Literals:
    """Secrets that were found elsewhere, in the same snapshot."""

    def __init__(self, values: Iterable[bytes]) -> None:
        self._values = tuple(values)

    def spans(self, haystack: Haystack) -> Iterator[Span]:
        """Yield each place where one of them stands."""
        for value in self._values:
            at = haystack.data.find(value)
            while at >= 0:
                yield at, at + len(value)
                at = haystack.data.find(value, at + len(value))


_BUILT_IN: dict[str, Scrubber] = {
    "key": _Patterns(KEY_PATTERNS),
    "token": _Patterns(TOKEN_PATTERNS),
    "ccn": CardNumbers(),
    "ssn": SocialSecurityNumbers(),
    "env": _Patterns(ENVIRONMENT_PATTERNS),
    "url": _Patterns(URL_PATTERNS),
}


@functools.lru_cache(maxsize=64)
def compile_rules(rules: Rules) -> dict[str, Scrubber]:
    """Return the scrubbers that ``rules`` names.

    Raises ConfigError for a name that is none, and an expression that is none or may
    take for ever.
    """
    scrubbers: dict[str, Scrubber] = {}
    for name in rules.built_in:
        if name not in _BUILT_IN:
            raise ConfigError(
                f"there is no scrubber {name}", remedy=f"One of {', '.join(BUILT_IN)}."
            )
        scrubbers[name] = _BUILT_IN[name]
    for one in rules.expressions:
        if not _NAME.fullmatch(one.name) or one.name in _BUILT_IN:
            raise ConfigError(
                f"{one.name!r} is no name for a scrubber of one's own",
                remedy="Lower-case letters, digits and _ . - are; built-in names not.",
            )
        scrubbers[one.name] = _Written(_compile(one.name, one.pattern))
    return scrubbers


def _compile(name: str, pattern: str) -> re.Pattern[bytes]:
    try:
        compile_bounded(pattern)
        return re.compile(pattern.encode())
    except (ValueError, re.error) as error:
        raise ConfigError(f"the expression of scrubber {name} {error}") from None


Secret = tuple[int, int, str]
"""First byte, first byte behind it, and the scrubber that found it."""


def secrets(data: bytes, scrubbers: dict[str, Scrubber]) -> list[Secret]:
    """Return the secrets in ``data``, ascending; what overlaps is one."""
    haystack = Haystack(data)
    found = [
        (start, end, name)
        for name, scrubber in scrubbers.items()
        for start, end in scrubber.spans(haystack)
        if not _is_scrubbed(data[start:end])
    ]
    return _joined(found)


def wide_secrets(data: bytes, scrubbers: dict[str, Scrubber]) -> list[Secret]:
    """Return the secrets in what is UTF-16LE in ``data``, ascending."""
    return [
        (start + 2 * begin, start + 2 * end, name)
        for start, text in wide_runs(data)
        for begin, end, name in secrets(text, scrubbers)
    ]


def _joined(found: list[Secret]) -> list[Secret]:
    joined: list[Secret] = []
    # Of two that begin together the longer one gives its name.
    for start, end, name in sorted(found, key=lambda one: (one[0], -one[1])):
        if joined and start < joined[-1][1]:
            first, last, known = joined[-1]
            joined[-1] = (first, max(last, end), known)
        else:
            joined.append((start, end, name))
    return joined


def _is_scrubbed(value: bytes) -> bool:
    return not value.strip(FILL) or value.startswith(_MARK.rstrip())


def mark(name: str) -> bytes:
    """Return what stands in text for a secret."""
    return _MARK + name.encode() + b"]"


class Secrets:
    """Takes secrets out of values, and remembers which."""

    def __init__(self, scrubbers: dict[str, Scrubber]) -> None:
        self._scrubbers = scrubbers
        self._seen: dict[str, tuple[str, Counter[str]]] = {}
        self.values: dict[bytes, str] = {}
        """What was taken out, and by which scrubber."""

    def text(self, text: str) -> tuple[str, Counter[str]]:
        """Return ``text`` with marks for secrets, and how many there were."""
        known = self._seen.get(text)
        if known is None:
            data = text.encode("utf-8", "surrogatepass")
            scrubbed, count = self.file(data)
            changed = scrubbed.decode("utf-8", "replace") if count else text
            known = self._seen[text] = changed, count
        return known

    def remember(self, text: str) -> None:
        """Keep a secret that its name told."""
        self.values.setdefault(text.encode("utf-8", "surrogatepass"), "token")

    def file(self, data: bytes) -> tuple[bytes, Counter[str]]:
        """Return ``data``, which may get another length, with marks for secrets."""
        found = secrets(data, self._scrubbers)
        pieces, at = [], 0
        for start, end, name in found:
            self.values.setdefault(data[start:end], name)
            pieces += [data[at:start], mark(name)]
            at = end
        return b"".join([*pieces, data[at:]]), Counter(one[2] for one in found)

    def memory(self, data: bytes) -> tuple[bytes, Counter[str]]:
        """Return ``data`` with as many bytes, and none of its secrets."""
        narrow = secrets(data, self._scrubbers)
        wide = wide_secrets(data, self._scrubbers)
        if not narrow and not wide:
            return data, Counter()
        changed = bytearray(data)
        for start, end, name in narrow:
            self.values.setdefault(data[start:end], name)
            changed[start:end] = FILL * (end - start)
        for start, end, name in wide:
            self.values.setdefault(data[start:end:2], name)
            changed[start:end:2] = FILL * ((end - start) // 2)
        return bytes(changed), Counter(one[2] for one in (*narrow, *wide))
