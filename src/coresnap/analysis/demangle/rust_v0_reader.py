"""Rust's v0 mangling, letter by letter: what is read, and what is written of it.

Names may be anybody's: depth, steps and size are limited.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from coresnap.analysis.demangle.rust_v0_text import identifier_text

__all__ = ["NotMangledError", "SymbolReader"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGIT_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_LENGTH = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_HEX = re.compile(r"([0-9a-f]*)_", re.ASCII)

_DEPTH_LIMIT = 200
"""Types and paths in one another; rustc's own demangler ends at 500, Python at 1000."""
_SIZE_LIMIT = 64 << 10
"""Characters written: a reference back can double a name with every two bytes."""
_STEP_LIMIT = 64 << 10
"""Types, paths and constants read: what is skipped writes nothing."""
_NUMBER_LIMIT = 1 << 64

_T = TypeVar("_T")


class NotMangledError(Exception):
    """The text breaks the grammar, or a limit."""


class SymbolReader:
    """Reads from left to right, and writes as it goes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._written: list[str] = []
        self._size = 0
        self._steps = 0
        self._depth = 0
        self._silent = False
        self._lifetimes = 0

    # --- reading -------------------------------------------------------------

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise NotMangledError
        self._at += 1
        return self._text[self._at - 1]

    def _eat(self, letter: str) -> bool:
        found = self._text.startswith(letter, self._at)
        self._at += found
        return found

    def _number(self) -> int:
        """base-62-number: ``_`` is 0, ``0_`` is 1."""
        if self._eat("_"):
            return 0
        value = 0
        while not self._eat("_"):
            digit = _DIGIT_VALUES.get(self._next())
            if digit is None or value >= _NUMBER_LIMIT:
                raise NotMangledError
            value = value * 62 + digit
        return value + 1

    def _optional_number(self, tag: str) -> int:
        return self._number() + 1 if self._eat(tag) else 0

    def _identifier(self) -> str:
        """undisambiguated-identifier, as text."""
        is_punycode = self._eat("u")
        match = _LENGTH.match(self._text, self._at)
        if match is None:
            raise NotMangledError
        self._at = match.end()
        self._eat("_")
        end = self._at + int(match[0])
        if end > len(self._text):
            raise NotMangledError
        name = self._text[self._at : end]
        self._at = end
        return identifier_text(name) if is_punycode else name

    def _hex(self) -> str:
        match = _HEX.match(self._text, self._at)
        if match is None:
            raise NotMangledError
        self._at = match.end()
        return match[1]

    # --- writing -------------------------------------------------------------

    def _write(self, text: str) -> None:
        if self._silent:
            return
        self._size += len(text)
        if self._size > _SIZE_LIMIT:
            raise NotMangledError
        self._written.append(text)

    @contextlib.contextmanager
    def _silence(self) -> Iterator[None]:
        before, self._silent = self._silent, True
        yield
        self._silent = before

    @contextlib.contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        self._steps += 1
        if self._depth > _DEPTH_LIMIT or self._steps > _STEP_LIMIT:
            raise NotMangledError
        yield
        self._depth -= 1

    def _list(self, one: Callable[[], object], separator: str = ", ") -> int:
        """Items up to ``E``; their number."""
        count = 0
        while not self._eat("E"):
            if count:
                self._write(separator)
            one()
            count += 1
        return count

    def _back(self, read: Callable[[], _T], silent: _T) -> _T:
        """backref: read again what stands at an earlier place."""
        place = self._at - 1
        target = self._number()
        if target >= place:
            raise NotMangledError
        if self._silent:
            return silent
        after, self._at = self._at, target
        result = read()
        self._at = after
        return result

    # --- lifetimes -----------------------------------------------------------

    def _lifetime(self, index: int) -> None:
        """``index`` counts from the innermost binder, 1 first; 0 is erased."""
        if index > self._lifetimes:
            raise NotMangledError
        letter = self._lifetimes - index
        if index == 0:
            self._write("'_")
        else:
            self._write(f"'{_letter(letter)}")

    @contextlib.contextmanager
    def _binder(self) -> Iterator[None]:
        before = self._lifetimes
        count = self._optional_number("G")
        if count > _SIZE_LIMIT:
            raise NotMangledError
        self._lifetimes += count
        if count:
            names = (f"'{_letter(n)}" for n in range(before, self._lifetimes))
            self._write(f"for<{', '.join(names)}> ")
        yield
        self._lifetimes = before


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else f"_{index}"
