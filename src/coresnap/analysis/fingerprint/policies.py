"""The rules that come with coresnap: ``policies/*.rules``, as tables of names.

A line is a name, or a name with ``*`` for any text. Names stand in dictionaries and
what has a ``*`` is compared piece by piece: no regular expression is compiled.
"""

from __future__ import annotations

import functools
import os.path
from collections.abc import Iterator

import msgspec

__all__ = ["FILES", "Policies", "Rule", "Section", "Table", "load_policies", "policies"]

_DIRECTORY = os.path.join(os.path.dirname(__file__), "..", "policies")
FILES = (
    "spellings",
    "failures",
    "allocators",
    "cplusplus",
    "rust",
    "go",
    "event_loops",
    "libc",
    "kernel",
)
"""In this order: of two rules for one name the first counts."""
_REMEMBERED = 4096
"""Names whose rules are: a deep stack has few functions."""
_KINDS = ("failure", "plumbing", "stop", "library", "entry", "rename")


class Section(msgspec.Struct, frozen=True, gc=False):
    """What the lines below one heading say."""

    kind: str
    file: str
    argument: str = ""
    """The family of a failure."""
    modules: tuple[str, ...] = ()
    """Where it holds; empty for everywhere."""


class Rule(msgspec.Struct, frozen=True, gc=False):
    """One line of a file."""

    pattern: str
    section: Section
    spelling: str = ""
    """What a rename makes of the name."""

    @property
    def label(self) -> str:
        """``file: pattern``, for people."""
        return f"{self.section.file}: {self.pattern}"


class Table(msgspec.Struct):
    """The rules of one kind."""

    exact: dict[str, Section] = {}
    globs: list[tuple[tuple[str, ...], Section]] = []
    """Pieces between the asterisks."""
    spellings: dict[str, str] = {}
    heads: tuple[str, ...] = ()
    """First pieces of all ``globs``."""
    _found: dict[tuple[str, str], Rule | None] = {}

    def find(self, name: str, module: str) -> Rule | None:
        """The first rule that holds for ``name`` in ``module``."""
        key = name, module
        if key not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = self._search(name, module)
        return self._found[key]

    def _search(self, name: str, module: str) -> Rule | None:
        section = self.exact.get(name)
        if section is not None and _holds(section, module):
            return Rule(name, section, self.spellings.get(name, ""))
        if not name.startswith(self.heads):
            return None
        for pieces, section in self.globs:
            if _fits(name, pieces) and _holds(section, module):
                return Rule("*".join(pieces), section)
        return None

    def add(self, section: Section, lines: list[str]) -> None:
        """Take in more rules, which count after those that are there."""
        if section.kind == "rename":
            pairs = [line.split(" => ") for line in lines]
            self.spellings.update(pairs)  # type: ignore[arg-type]
            lines = [old for old, _ in pairs]
        plain = [line for line in lines if "*" not in line]
        # A thousand names in a millisecond: one call each would take three.
        self.exact = dict.fromkeys(plain, section) | self.exact
        globs = [line for line in lines if "*" in line]
        self.globs += [(tuple(glob.split("*")), section) for glob in globs]


class Policies(msgspec.Struct, frozen=True):
    """All tables, by what a match does."""

    failure: Table
    """How a process stopped itself; dropped at the inner end of a stack."""
    plumbing: Table
    """What stands between a call and the function called; dropped."""
    stop: Table
    """What stands above main or a thread's function; ends the stack."""
    library: Table
    """Functions of a system library, of which the one that was called counts."""
    entry: Table
    """A program's first function."""
    rename: Table
    """Several names of one function."""
    library_modules: frozenset[str]
    """Modules all of whose functions are a system library's."""
    suffixes: frozenset[str]
    """Of names that compilers made."""
    processors: frozenset[str]
    """Suffixes of functions that are there once for each kind of processor."""
    variants: frozenset[str]
    """Those, and what stands among them."""
    aliases: tuple[str, ...]
    """Prefixes by which libraries call their public functions."""
    libc_public: frozenset[str]
    """What is public behind ``__libc_``."""
    libc_parts: frozenset[str]
    """Modules that count as libc."""


def load_policies() -> None:
    """Read the rules now, for a process that later may not be able to."""
    policies()


@functools.cache
def policies() -> Policies:
    """Return the rules that come with coresnap."""
    tables = {kind: Table({}, [], {}) for kind in _KINDS}
    words: dict[str, list[str]] = {}
    for section, lines in _sections():
        if section.kind in tables:
            tables[section.kind].add(section, lines)
        else:
            words.setdefault(section.kind, []).extend(lines)
    for table in tables.values():
        table.heads = tuple({pieces[0] for pieces, _ in table.globs})
    return Policies(
        **tables,
        library_modules=frozenset(words["library-modules"]),
        suffixes=frozenset(words["suffix"]),
        processors=frozenset(words["processor"]),
        variants=frozenset(words["processor"] + words["manner"]),
        aliases=tuple(words["alias"]),
        libc_public=frozenset(words["libc-alias"]),
        libc_parts=frozenset(words["libc-part"]),
    )


def _sections() -> Iterator[tuple[Section, list[str]]]:
    for file in FILES:
        with open(f"{_DIRECTORY}/{file}.rules", "rb") as stream:
            text = stream.read().decode()
        for part in text.split("\n[")[1:]:
            heading, _, body = part.partition("]\n")
            lines = [one for one in body.split("\n") if one and one[0] != "#"]
            yield _section(file, heading), lines


def _section(file: str, words: str) -> Section:
    """``KIND [ARGUMENT] [in MODULE…]``."""
    head, _, places = words.partition(" in ")
    kind, _, argument = head.partition(" ")
    return Section(kind, file, argument, tuple(places.split()))


def _holds(section: Section, module: str) -> bool:
    return not section.modules or module in section.modules


def _fits(name: str, pieces: tuple[str, ...]) -> bool:
    first, *middle, last = pieces
    if not name.startswith(first) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return name.endswith(last)
