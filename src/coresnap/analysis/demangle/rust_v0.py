"""Rust's v0 mangling, ``_RNvC5crate8function``, by its public specification.

https://doc.rust-lang.org/rustc/symbol-mangling/v0.html. Written as rustc's own
demangler writes it when asked to be brief: without the hashes of crates and without
the types of constants.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from coresnap.analysis.demangle.rust_v0_reader import NotMangledError, SymbolReader
from coresnap.analysis.demangle.rust_v0_text import (
    BASIC_TYPES,
    quoted_characters,
)

__all__ = ["demangle_rust_v0"]

_SYMBOL = re.compile(r"_R(?=[A-Z])([0-9A-Za-z_]+)(?:[.$].*)?", re.ASCII)
_SIGNED = "aslxni"
_UNSIGNED = "htmyoj"


def demangle_rust_v0(name: str) -> str | None:
    """The path, with generic arguments; None if ``name`` is not of this mangling."""
    match = _SYMBOL.fullmatch(name)
    if match is None:
        return None
    try:
        return _Reader(match[1]).symbol()
    except NotMangledError:
        return None


class _Reader(SymbolReader):
    """Paths, types and constants."""

    def symbol(self) -> str:
        self._path(in_value=True)
        if self._at < len(self._text):
            # The crate that the generic function was made for.
            with self._silence():
                self._path(in_value=False)
        if self._at < len(self._text):
            raise NotMangledError
        return "".join(self._written)

    # --- paths ---------------------------------------------------------------

    def _path(self, *, in_value: bool) -> None:
        with self._deeper():
            tag = self._next()
            if tag == "C":
                self._optional_number("s")
                self._write(self._identifier())
            elif tag == "N":
                self._nested(in_value)
            elif tag in "MXY":
                self._implementation(tag)
            elif tag == "I":
                self._path(in_value=in_value)
                self._write("::<" if in_value else "<")
                self._list(self._generic_argument)
                self._write(">")
            elif tag == "B":
                self._back(lambda: self._path(in_value=in_value), None)
            else:
                raise NotMangledError

    def _nested(self, in_value: bool) -> None:
        namespace = self._next()
        if not namespace.isalpha():
            raise NotMangledError
        self._path(in_value=in_value)
        number = self._optional_number("s")
        name = self._identifier()
        if namespace.isupper():
            kind = {"C": "closure", "S": "shim"}.get(namespace, namespace)
            own = f":{name}" if name else ""
            self._write(f"::{{{kind}{own}#{number}}}")
        elif name:
            self._write(f"::{name}")

    def _implementation(self, tag: str) -> None:
        if tag != "Y":
            # Where the `impl` stands says nothing.
            self._optional_number("s")
            with self._silence():
                self._path(in_value=False)
        self._write("<")
        self._type()
        if tag != "M":
            self._write(" as ")
            self._path(in_value=False)
        self._write(">")

    def _generic_argument(self) -> None:
        if self._eat("L"):
            self._lifetime(self._number())
        elif self._eat("K"):
            self._constant(in_value=False)
        else:
            self._type()

    # --- types ---------------------------------------------------------------

    def _type(self) -> None:
        with self._deeper():
            tag = self._next()
            if tag in BASIC_TYPES:
                self._write(BASIC_TYPES[tag])
            elif tag in _TYPES:
                _TYPES[tag](self)
            elif tag == "B":
                self._back(self._type, None)
            else:
                self._at -= 1
                self._path(in_value=False)

    def _reference(self, keyword: str) -> None:
        self._write("&")
        if self._eat("L"):
            index = self._number()
            if index:
                self._lifetime(index)
                self._write(" ")
        self._write(keyword)
        self._type()

    def _pointer(self, keyword: str) -> None:
        self._write(keyword)
        self._type()

    def _array(self, *, sized: bool) -> None:
        self._write("[")
        self._type()
        if sized:
            self._write("; ")
            self._constant(in_value=True)
        self._write("]")

    def _tuple(self, one: Callable[[], object]) -> None:
        self._write("(")
        self._write(",)" if self._list(one) == 1 else ")")

    def _function(self) -> None:
        with self._binder():
            self._write("unsafe " if self._eat("U") else "")
            if self._eat("K"):
                abi = "C" if self._eat("C") else self._identifier().replace("_", "-")
                self._write(f'extern "{abi}" ')
            self._write("fn(")
            self._list(self._type)
            self._write(")")
            if not self._eat("u"):
                self._write(" -> ")
                self._type()

    def _trait_object(self) -> None:
        self._write("dyn ")
        with self._binder():
            self._list(self._bound, " + ")
        if not self._eat("L"):
            raise NotMangledError
        index = self._number()
        if index:
            self._write(" + ")
            self._lifetime(index)

    def _bound(self) -> None:
        opened = self._open_generics()
        while self._eat("p"):
            self._write(", " if opened else "<")
            opened = True
            self._write(f"{self._identifier()} = ")
            self._type()
        self._write(">" if opened else "")

    def _open_generics(self) -> bool:
        """A path whose generic arguments, if it has any, are not closed yet."""
        with self._deeper():
            if self._eat("B"):
                return self._back(self._open_generics, False)
            if not self._eat("I"):
                self._path(in_value=False)
                return False
            self._path(in_value=False)
            self._write("<")
            self._list(self._generic_argument)
            return True

    def _pattern_type(self) -> None:
        self._type()
        self._write(" is ")
        self._pattern()

    def _pattern(self) -> None:
        with self._deeper():
            tag = self._next()
            if tag == "R":
                self._constant(in_value=True)
                self._write("..=")
                self._constant(in_value=True)
            elif tag == "O":
                self._list(self._pattern, " | ")
            elif tag == "N":
                self._write("!null")
            else:
                raise NotMangledError

    # --- constants -----------------------------------------------------------

    def _constant(self, *, in_value: bool) -> None:
        with self._deeper():
            tag = self._next()
            if tag == "B":
                self._back(lambda: self._constant(in_value=in_value), None)
            elif tag == "R" and self._eat("e"):
                self._write(self._text_literal())
            elif tag in "eRQATV":
                # Only literals stand as generic arguments without braces.
                self._write("" if in_value else "{")
                self._compound(tag)
                self._write("" if in_value else "}")
            else:
                self._literal(tag)

    def _literal(self, tag: str) -> None:
        if tag == "p":
            self._write("_")
        elif tag in _SIGNED or tag in _UNSIGNED:
            self._write("-" if tag in _SIGNED and self._eat("n") else "")
            digits = self._hex().lstrip("0")
            short = len(digits) <= 16
            self._write(str(int(digits or "0", 16)) if short else f"0x{digits}")
        elif tag == "b":
            word = {"0": "false", "1": "true"}.get(self._hex())
            if word is None:
                raise NotMangledError
            self._write(word)
        elif tag == "c":
            self._write(self._character())
        else:
            raise NotMangledError

    def _character(self) -> str:
        digits = self._hex()
        code = int(digits, 16) if 0 < len(digits) <= 6 else -1
        if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise NotMangledError
        return quoted_characters(chr(code), "'")

    def _text_literal(self) -> str:
        try:
            return quoted_characters(bytes.fromhex(self._hex()).decode("utf-8"), '"')
        except ValueError as error:
            raise NotMangledError from error

    def _compound(self, tag: str) -> None:
        if tag == "e":
            self._write(f"*{self._text_literal()}")
        elif tag in "RQ":
            self._write("&" if tag == "R" else "&mut ")
            self._constant(in_value=True)
        elif tag == "A":
            self._write("[")
            self._list(lambda: self._constant(in_value=True))
            self._write("]")
        elif tag == "T":
            self._tuple(lambda: self._constant(in_value=True))
        else:
            self._structure()

    def _structure(self) -> None:
        self._path(in_value=True)
        tag = self._next()
        if tag == "T":
            self._write("(")
            self._list(lambda: self._constant(in_value=True))
            self._write(")")
        elif tag == "S":
            self._write(" { ")
            self._list(self._field)
            self._write(" }")
        elif tag != "U":
            raise NotMangledError

    def _field(self) -> None:
        self._optional_number("s")
        self._write(f"{self._identifier()}: ")
        self._constant(in_value=True)


_TYPES: dict[str, Callable[[_Reader], None]] = {
    "R": lambda reader: reader._reference(""),
    "Q": lambda reader: reader._reference("mut "),
    "P": lambda reader: reader._pointer("*const "),
    "O": lambda reader: reader._pointer("*mut "),
    "A": lambda reader: reader._array(sized=True),
    "S": lambda reader: reader._array(sized=False),
    "T": lambda reader: reader._tuple(reader._type),
    "F": lambda reader: reader._function(),
    "D": lambda reader: reader._trait_object(),
    "W": lambda reader: reader._pattern_type(),
}
