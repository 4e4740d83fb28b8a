"""Patterns of executables: ``fnmatch(3)`` without flags, as the handler matches them.

``*`` and ``?`` match ``/`` and a leading dot too. The handler runs in the C locale,
so a pattern is bytes and ``?`` is one of them. What depends on a locale, classes such
as ``[[:alpha:]]``, is refused rather than matched in two ways.
"""

from __future__ import annotations

import functools
import os
import re

__all__ = ["check_pattern", "matches"]


def matches(pattern: str, path: str) -> bool:
    """Whether ``path`` as a whole fits ``pattern``."""
    return bool(_compiled(pattern).fullmatch(os.fsencode(path)))


def check_pattern(pattern: str) -> None:
    """Raise ValueError, the rest of a sentence, for what no two programs agree on."""
    if not pattern or not pattern.isprintable():
        raise ValueError("is not a printable pattern")
    if re.search(r"\[[:.=]", pattern):
        raise ValueError("has a [: [. or [= class; list its characters")
    if re.search(r"(?<!\\)(\\\\)*\\$", pattern):
        raise ValueError("ends in a backslash that quotes nothing")
    for start, bracket in _brackets(pattern):
        if bracket is None:
            raise ValueError(f"has no ] for the [ at {start + 1}; write \\[")
        if "\\" in bracket or not bracket.isascii():
            raise ValueError("has more than plain ASCII in brackets")
        if any(low > high for low, high in _ranges(bracket.encode())):
            raise ValueError(f"has a range [{bracket}] that runs backwards")


def _brackets(pattern: str) -> list[tuple[int, str | None]]:
    """Return where brackets begin, and what is in them; None if they never end."""
    found: list[tuple[int, str | None]] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "[":
            match = _BRACKET.match(pattern, at)
            found.append((at, match[2] if match else None))
            at = match.end() - 1 if match else at
        at += 1
    return found


_BRACKET = re.compile(r"\[([!^]?+)(\]?+[^\]]*)\]")
_TOKEN = re.compile(rb"\\(.)|\[([!^]?+)(\]?+[^\]]*)\]|(\*+)|(\?)|(.)", re.DOTALL)


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[bytes]:
    pieces = [_translate(token) for token in _TOKEN.finditer(os.fsencode(pattern))]
    return re.compile(b"".join(pieces), re.DOTALL)


def _translate(token: re.Match[bytes]) -> bytes:
    quoted, negated, members, stars, one, plain = token.groups()
    if members is not None:
        inner = b"".join(b"\\x%02x-\\x%02x" % ends for ends in _ranges(members))
        return b"[" + (b"^" if negated else b"") + inner + b"]"
    if stars:
        return b".*"
    if one:
        return b"."
    return re.escape(quoted if quoted is not None else plain)


def _ranges(members: bytes) -> list[tuple[int, int]]:
    """Return the first and last of each range; of what stands alone, twice itself."""
    found = []
    at = 0
    while at < len(members):
        is_range = members[at + 1 : at + 2] == b"-" and at + 2 < len(members)
        found.append((members[at], members[at + 2 if is_range else at]))
        at += 3 if is_range else 1
    return found
