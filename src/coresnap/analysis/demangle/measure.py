"""How long a C++ name is, by the grammar of its mangling (Itanium C++ ABI, 5.1)."""

from __future__ import annotations

import re

__all__ = ["Measure", "UnreadableError"]

_DEPTH_LIMIT = 150
_STANDARD = 72
"""Characters of ``std::basic_string<char, std::char_traits<char>, …>``."""
_BUILTIN = 20
_OPERATOR = 20
_NUMBER = re.compile(r"[0-9]{1,5}", re.ASCII)
_SEQUENCE = re.compile(r"S([0-9A-Z]*)_", re.ASCII)
_PARAMETER = re.compile(r"T(?:L[0-9]*_)?[0-9]*_", re.ASCII)
_VALUE = re.compile(r"n?[0-9a-f]*E", re.ASCII)
_COUNT = re.compile(r"[0-9]*_", re.ASCII)
_DISCRIMINATOR = re.compile(r"__[0-9]+_|_[0-9]", re.ASCII)
_QUALIFIERS = re.compile(r"[rVK]*[RO]?")
_BUILTINS = frozenset("vwbcahstijlmxynofdegz")
_BUILTINS_OF_TWO = frozenset("defhisuacn")
_THUNK = re.compile(r"T(?:h|vn?[0-9]+_)n?[0-9]+_", re.ASCII)
_CV_QUALIFIERS = re.compile(r"r?V?K?")


class UnreadableError(Exception):
    """A part of the grammar that is not read, or no name at all."""


class Measure:
    """Reads from left to right; every method returns characters."""

    def __init__(self, name: str) -> None:
        self._text = name
        self._at = 2
        self._depth = 0
        self._candidates: list[int] = []
        """Sizes of the parts that ``S0_`` and so on repeat."""
        self._argument = 0
        """Of the longest template argument."""
        self._pack = 1
        """Elements of the largest pack."""
        self._is_loose = False
        """Demanglers do not agree how references count lambdas and unnamed types."""

    def whole(self) -> int:
        """Characters of the whole name; raises ``UnreadableError``."""
        size = self._encoding()
        if self._at < len(self._text) and self._peek() not in ".@":
            raise UnreadableError
        return size

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._text[at] if at < len(self._text) else ""

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise UnreadableError
        self._at = match.end()
        return match[0]

    def _eat(self, letters: str) -> bool:
        found = self._text.startswith(letters, self._at)
        self._at += len(letters) if found else 0
        return found

    def _add(self, size: int) -> int:
        self._candidates.append(size)
        return size

    # --- names ---------------------------------------------------------------

    def _encoding(self) -> int:
        if self._peek() in ("T", "G"):
            return self._special()
        size = self._name()
        while self._peek() not in ("", "E", ".", "@"):
            size += self._type() + 2
        return size

    def _special(self) -> int:
        if self._peek() == "T" and self._peek(1) in tuple("VTIS"):
            self._at += 2
            return 30 + self._type()
        if self._eat("GV"):
            return 30 + self._name()
        if _THUNK.match(self._text, self._at):
            self._skip(_THUNK)
            return 30 + self._encoding()
        raise UnreadableError

    def _name(self) -> int:
        if self._eat("N"):
            return self._nested()
        if self._eat("Z"):
            return self._local()
        if self._peek() == "S" and self._peek(1) != "t":
            size = self._substitution()
        else:
            size = 5 if self._eat("St") else 0
            size += self._unqualified()
            if self._peek() == "I":
                self._add(size)
        return size + (self._arguments() if self._peek() == "I" else 0)

    def _nested(self) -> int:
        size = len(self._skip(_QUALIFIERS)) * 9
        while not self._eat("E"):
            is_reference = False
            if self._peek() == "I":
                size += self._arguments()
            elif self._peek() == "T":
                size += self._parameter()
            elif self._peek() == "S":
                is_reference = True
                size += self._substitution()
            elif not self._eat("M"):
                size += 2 + self._unqualified()
            if not is_reference and self._peek() != "E":
                self._add(size)
        return size

    def _local(self) -> int:
        size = self._encoding()
        if not self._eat("E"):
            raise UnreadableError
        if self._eat("s"):
            size += 16
        else:
            if self._eat("d"):
                self._skip(_COUNT)
            size += self._name() + 20
        if _DISCRIMINATOR.match(self._text, self._at):
            self._skip(_DISCRIMINATOR)
        return size

    def _unqualified(self) -> int:
        self._eat("L")
        if self._peek().isdigit():
            size = self._source_name()
        elif self._eat("Ul"):
            size = self._lambda()
        elif self._eat("Ut"):
            self._is_loose = True
            self._skip(_COUNT)
            size = 24
        elif self._peek() in ("C", "D") and self._peek(1).isdigit():
            self._at += 2
            # A constructor is named as its class, without arguments.
            size = self._longest_name()
        elif self._eat("cv"):
            size = _OPERATOR + self._type()
        elif self._peek().islower() and self._peek(1).isalpha():
            self._at += 2
            size = _OPERATOR
        else:
            raise UnreadableError
        while self._eat("B"):
            size += 6 + self._source_name()
        return size

    def _longest_name(self) -> int:
        # A constructor of std::string and the like is written in full.
        return max(_STANDARD, len(self._text))

    def _source_name(self) -> int:
        length = int(self._skip(_NUMBER))
        self._at += length
        if self._at > len(self._text):
            raise UnreadableError
        return max(length, 22)

    def _lambda(self) -> int:
        self._is_loose = True
        size = 24
        while not self._eat("E"):
            size += self._type() + 2
        self._skip(_COUNT)
        return size

    def _substitution(self) -> int:
        if self._eat("St"):
            return 3
        if self._peek(1) in tuple("absiod"):
            self._at += 2
            return _STANDARD
        digits = self._skip(_SEQUENCE)[1:-1]
        index = int(digits, 36) + 1 if digits else 0
        if index >= len(self._candidates) and not self._is_loose:
            raise UnreadableError
        if self._is_loose:
            return max(self._candidates, default=0)
        return self._candidates[index]

    # --- template arguments --------------------------------------------------

    def _arguments(self) -> int:
        self._at += 1
        size = 2
        count = 0
        while not self._eat("E"):
            one = self._argument_size()
            self._argument = max(self._argument, one)
            size += one + 2
            count += 1
        self._pack = max(self._pack, count)
        return size

    def _argument_size(self) -> int:
        if self._peek() in ("I", "J"):
            return self._arguments()
        if self._eat("X"):
            size = self._expression()
            if not self._eat("E"):
                raise UnreadableError
            return size
        if self._peek() == "L":
            return self._literal()
        return self._type()

    def _expression(self) -> int:
        """The address of an entity, the only expression that is common."""
        self._eat("ad")
        if self._peek() != "L":
            raise UnreadableError
        return 2 + self._literal()

    def _literal(self) -> int:
        self._at += 1
        if self._eat("_Z"):
            size = self._encoding()
            if not self._eat("E"):
                raise UnreadableError
            return size
        return self._type() + 2 + len(self._skip(_VALUE))

    def _parameter(self) -> int:
        self._skip(_PARAMETER)
        return max(self._argument, 8)

    # --- types ---------------------------------------------------------------

    def _type(self) -> int:
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise UnreadableError
        size = self._one_type()
        self._depth -= 1
        return size

    def _one_type(self) -> int:
        letter = self._peek()
        if letter in _BUILTINS:
            self._at += 1
            return _BUILTIN
        if letter in ("r", "V", "K"):
            qualifiers = len(self._skip(_CV_QUALIFIERS))
            return self._add(self._type() + 9 * qualifiers)
        if letter in ("P", "R", "O", "C", "G"):
            self._at += 1
            return self._add(self._type() + 3)
        if letter == "D":
            return self._type_of_two()
        if letter == "S" and self._peek(1) != "t":
            return self._referred_type()
        if letter == "T":
            return self._parameter_type()
        if letter in ("F", "A", "M"):
            self._at += 1
            return self._add(self._composed(letter))
        if letter.isdigit() or letter in ("N", "Z", "S"):
            return self._add(self._name())
        raise UnreadableError

    def _composed(self, letter: str) -> int:
        if letter == "M":
            return self._type() + self._type() + 5
        if letter == "A":
            return len(self._skip(_COUNT)) + 3 + self._type()
        self._eat("Y")
        size = 8
        while not self._eat("E"):
            if self._peek() in ("R", "O") and self._peek(1) == "E":
                self._at += 1
                continue
            size += self._type() + 2
        return size

    def _referred_type(self) -> int:
        size = self._substitution()
        if self._peek() == "I":
            size = self._add(size + self._arguments())
        return size

    def _parameter_type(self) -> int:
        size = self._add(self._parameter())
        if self._peek() == "I":
            size = self._add(size + self._arguments())
        return size

    def _type_of_two(self) -> int:
        letter = self._peek(1)
        self._at += 2
        if letter in _BUILTINS_OF_TWO:
            return _BUILTIN
        if letter == "p":
            return self._add((self._type() + 2) * self._pack)
        if letter == "o":
            return self._type() + 9
        if letter == "v":
            return self._add(len(self._skip(_COUNT)) + self._type() + 12)
        raise UnreadableError
