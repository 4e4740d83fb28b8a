"""Rules of fingerprints that rename or ignore functions by their whole names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from coresnap.config.bounded_regex import compile_bounded, found_in

__all__ = ["NameRule", "is_short", "name_rules", "names_by"]

_LONGEST = 1000
"""Characters of one pattern; ``config.bounded_regex`` takes 1024."""
_MOST_NUMBERS = 3
"""In one name that stands for all numbers: each is a repetition."""


@attrs.frozen
class NameRule:
    """A section ``[rule NAME]`` that has ``function`` alone."""

    name: str
    function: re.Pattern[str]
    rename: str | None
    """The new name, itself and no template; None: the frame is ignored."""

    @property
    def text(self) -> str:
        """As it stands in a file of rules."""
        if self.rename is None:
            action = "ignore = yes"
        else:
            action = "rename = " + self.rename.replace("\\", "\\\\")
        return f"[rule {self.name}]\nfunction = {self.function.pattern}\n{action}\n"


def is_short(name: str) -> bool:
    """Whether a rule can have a function's name."""
    return len(re.escape(name)) <= _LONGEST


def name_rules(
    names: Mapping[str, str | None], *, is_general: bool
) -> tuple[NameRule, ...]:
    """Return the rules that call functions as ``names`` says; None ignores them.

    ``is_general``: where names differ in numbers alone, any number is meant.
    """
    classes: dict[str | None, list[str]] = {}
    for name, new in sorted(names.items()):
        classes.setdefault(new, []).append(name)
    rules: list[NameRule] = []
    for new, olds in classes.items():
        called = new
        patterns: Iterable[str] = _patterns(olds)
        if new is not None:
            any_number = _any_number({*olds, new}) if is_general else None
            if any_number is not None:
                patterns, called = [any_number[0]], any_number[1]
        what = "ignored" if called is None else "one name"
        for pattern in patterns:
            name = f"{what} {len(rules) + 1}"
            rules.append(NameRule(name, compile_bounded(pattern), called))
    return tuple(rules)


def names_by(rules: Sequence[NameRule], stack: Sequence[str]) -> tuple[str, ...]:
    """Return a stack's functions as the rules leave them: the first that fits acts."""
    found = []
    for name in stack:
        fitting = (rule for rule in rules if found_in(rule.function, name))
        rule = next(fitting, None)
        if rule is None:
            found.append(name)
        elif rule.rename is not None:
            found.append(rule.rename)
    return tuple(found)


def _patterns(names: Sequence[str]) -> Iterator[str]:
    """Yield patterns for whole names, as few as their length allows."""
    waiting: list[str] = []
    for name in map(re.escape, names):
        if waiting and len("|".join([*waiting, name])) > _LONGEST:
            yield _alternatives(waiting)
            waiting = []
        waiting.append(name)
    yield _alternatives(waiting)


def _alternatives(names: Sequence[str]) -> str:
    return f"^{names[0]}$" if len(names) == 1 else f"^(?:{'|'.join(names)})$"


def _any_number(names: Iterable[str]) -> tuple[str, str] | None:
    """Return a pattern and a name for names that differ in numbers alone."""
    texts = {re.sub("[0-9]+", "\0", name) for name in names}
    if len(texts) != 1:
        return None
    (text,) = texts
    if not 0 < text.count("\0") <= _MOST_NUMBERS:
        return None
    pattern = "[0-9]+".join(re.escape(part) for part in text.split("\0"))
    return f"^{pattern}$", text.replace("\0", "N")
