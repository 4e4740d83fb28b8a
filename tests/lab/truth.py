"""The truth about a program: what stands in the comment at the head of its source.

The comment's first lines say what the program does. The rest are ``key: value``:

``must``
    Names of classifiers that have to be found. ``a|b``: one of them is enough.
``may``
    Further names that are right, too; ``*`` as in file names.
``never``
    Names that somebody might believe. Every name that neither must nor may be found
    is wrong: these are what the program is a look-alike of.
``function``
    Where it went wrong: a function of the crashed thread.
``kind``
    ``crash``, ``aborted`` (no memory is at fault) or ``healthy``.
``build``
    Flags for the compiler, instead of ``-g -O0``.
``by``
    Who ends it: itself, the kernel's ``signal SIGQUIT`` or ``gcore`` after ``ready``.
``shell``
    A line of shell before it is started: ``ulimit -n 16``.
``environment``
    ``NAME=value`` …
``only``
    Allocators with which it goes wrong in this way, if not with all.
``unfound``
    A name of ``must``, and why nothing finds it yet with glibc and symbols.

``must jemalloc: …`` and ``may jemalloc: …`` are for that allocator, ``must`` instead of
the general one, ``may`` beside it.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

__all__ = ["PROGRAMS", "Truth", "all_truths", "read_truth"]

PROGRAMS = Path(__file__).with_name("programs")
KINDS = ("crash", "aborted", "healthy")
_LANGUAGES = {".c": "C", ".cc": "C++", ".rs": "Rust", ".py": "Python"}
_KEY = re.compile(r"(\w+(?: (?:jemalloc|junk))?): +(.*)")
_KEYS = (
    *("must", "may", "never", "function", "kind", "build", "by", "shell"),
    *("environment", "only", "unfound"),
    *(f"{key} {of}" for key in ("must", "may") for of in ("jemalloc", "junk")),
)


@attrs.frozen
class Truth:
    """What is true of one program."""

    source: Path
    about: str
    values: dict[str, str] = attrs.field(factory=dict)
    unfound: dict[str, str] = attrs.field(factory=dict)
    """Names that nothing finds yet, with the reason."""

    @property
    def name(self) -> str:
        """``family/program``."""
        return f"{self.source.parent.name}/{self.source.stem}"

    @property
    def language(self) -> str:
        """``C``, ``C++``, ``Rust`` or ``Python``."""
        return _LANGUAGES[self.source.suffix]

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        return self.values.get("kind", "crash")

    @property
    def function(self) -> str | None:
        """Where it went wrong."""
        return self.values.get("function")

    @property
    def never(self) -> tuple[str, ...]:
        """What it only looks like."""
        return tuple(self.values.get("never", "").split())

    def must(self, allocator: str) -> tuple[tuple[str, ...], ...]:
        """Names that have to be found; of each tuple one is enough."""
        words = self._most_special("must", allocator).split()
        return tuple(tuple(word.split("|")) for word in words)

    def is_right(self, name: str, allocator: str) -> bool:
        """Whether a classifier of this name is no mistake."""
        patterns = [one for names in self.must(allocator) for one in names]
        for key in _keys("may", allocator):
            patterns += self.values.get(key, "").split()
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    def goes_wrong_with(self, allocator: str) -> bool:
        """Whether the program does what it is for under this allocator."""
        only = self.values.get("only")
        return only is None or allocator in only.split()

    @property
    def of_glibc(self) -> bool:
        """Whether it goes wrong with glibc's malloc."""
        return self.goes_wrong_with("glibc")

    def _most_special(self, key: str, allocator: str) -> str:
        for name in _keys(key, allocator):
            if name in self.values:
                return self.values[name]
        return ""


def _keys(key: str, allocator: str) -> Iterator[str]:
    if allocator == "junk":
        yield f"{key} junk"
    if allocator != "glibc":
        yield f"{key} jemalloc"
    yield key


def all_truths() -> list[Truth]:
    """Read the truth of every program, by name."""
    sources = (p for p in PROGRAMS.rglob("*") if p.suffix in _LANGUAGES)
    return sorted(map(read_truth, sources), key=lambda truth: truth.name)


def read_truth(source: Path) -> Truth:
    """Read the comment at the head of ``source``; raises ``ValueError`` if it lies."""
    about: list[str] = []
    values: dict[str, str] = {}
    unfound: dict[str, str] = {}
    for line in _comment(source):
        found = _KEY.fullmatch(line)
        if found is None:
            about.append(line)
        elif found[1] == "unfound":
            name, _, reason = found[2].partition(" ")
            unfound[name] = reason
        else:
            values[found[1]] = found[2]
    truth = Truth(source, " ".join(about).strip(), values, unfound)
    _check(truth)
    return truth


def _comment(source: Path) -> Iterator[str]:
    """Lines of the first comment, without its marks; long values joined."""
    joined: list[str] = []
    for line in source.read_text().splitlines():
        text = line.removeprefix("#" if source.suffix == ".py" else "//")
        if text == line or line.startswith("#!"):
            if joined or not line.startswith("#!"):
                break
            continue
        if text.startswith("     ") and joined:
            joined[-1] += f" {text.strip()}"
        else:
            joined.append(text.strip())
    yield from joined


def _check(truth: Truth) -> None:
    problems: list[str] = []
    if not truth.about:
        problems.append("says nothing about itself")
    problems += [f"unknown key {key!r}" for key in truth.values.keys() - set(_KEYS)]
    if truth.kind not in KINDS:
        problems.append(f"unknown kind {truth.kind!r}")
    if truth.kind == "crash" and not truth.must("glibc") + truth.must("jemalloc"):
        problems.append("a crash without a verdict")
    problems += [f"never and right: {n}" for n in _contradictions(truth)]
    wanted = {"|".join(names) for names in truth.must("glibc")} | {"block", "function"}
    stray = {name for name in truth.unfound if name not in wanted}
    problems += [f"unfound, but nobody looks for it: {name}" for name in stray]
    if problems:
        raise ValueError(f"{truth.name}: {'; '.join(problems)}")


def _contradictions(truth: Truth) -> Sequence[str]:
    return [name for name in truth.never if truth.is_right(name, "glibc")]
