"""The smallest rules of fingerprints that make several stacks equal.

Functions that stand in the place of each other get one name, since nothing is lost by
that; what only some stacks have is ignored. Only what keeps the counted frames apart
gets a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import attrs

from coresnap.store.groups.name_rules import NameRule, is_short, name_rules, names_by

__all__ = ["COUNTED", "CommonRule", "NoRuleError", "common_rule"]

COUNTED = 8
"""Frames that count in a fingerprint, from the innermost one."""
_NAMELESS = re.compile(r"\?|\S+\+0x[0-9a-f]+")
"""How a frame without a function's name is spelled: no rule can name it."""

_Stack = tuple[str, ...]


class NoRuleError(Exception):
    """No rule makes these stacks equal; the text says why."""


@attrs.frozen
class CommonRule:
    """Rules, and what they leave of every stack."""

    rules: tuple[NameRule, ...]
    frames: _Stack
    """Functions that count, innermost first."""

    @property
    def text(self) -> str:
        """As a file of rules."""
        return "\n".join(["[ruleset]\n", *(rule.text for rule in self.rules)])


def common_rule(stacks: Sequence[_Stack]) -> CommonRule:
    """Return the rules that make ``stacks`` (functions, innermost first) equal.

    The first stack's names stay where others stand in their place. Raises NoRuleError.
    """
    if len(stacks) < 2:
        raise NoRuleError("there is one fingerprint only")
    if len({_counted(stack, {}) for stack in stacks}) == 1:
        raise NoRuleError(
            "the stacks read the same: modules, kind of failure or message differ"
        )
    if any(not is_short(name) for stack in stacks for name in stack):
        raise NoRuleError("a function's name is too long for a rule")
    common = frozenset.intersection(*(frozenset(stack[:-1]) for stack in stacks))
    # How a thread begins is no common frame: all of its faults have it.
    if not common:
        raise NoRuleError("there is no frame in common but where a thread begins")
    names = _smallest(stacks, _changed_names(stacks, common))
    for is_general in (True, False):
        found = _verified(stacks, name_rules(names, is_general=is_general))
        if found is not None and common.intersection(found.frames) - names.keys():
            return found
    raise NoRuleError("what the stacks have in common would not count any more")


_Names = dict[str, str | None]
"""What functions are called instead; None: they are ignored."""


def _counted(stack: _Stack, names: _Names) -> _Stack:
    return _renamed(stack, names)[:COUNTED]


def _renamed(stack: _Stack, names: _Names) -> _Stack:
    """Apply ``names``; a function counts once, where it stands innermost."""
    called = (names.get(name, name) for name in stack)
    return tuple(dict.fromkeys(name for name in called if name is not None))


def _changed_names(stacks: Sequence[_Stack], common: frozenset[str]) -> _Names:
    """Mend the innermost difference to the first stack until there is none."""
    names: _Names = {}
    known = frozenset().union(*stacks)
    for stack in stacks[1:]:
        while _counted(stacks[0], names) != _counted(stack, names):
            one, other = _renamed(stacks[0], names), _renamed(stack, names)
            for old, new in _difference(one, other, common):
                for name in known:
                    if names.get(name, name) == old:
                        if _NAMELESS.fullmatch(name) or not name.isprintable():
                            raise NoRuleError(
                                f"a frame that differs has no name: {name}"
                            )
                        names[name] = new
    return names


def _difference(
    one: _Stack, other: _Stack, common: frozenset[str]
) -> Iterator[tuple[str, str | None]]:
    """Yield how functions are to be called so that the first difference goes."""
    codes = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    _, start, end, other_start, other_end = next(c for c in codes if c[0] != "equal")
    mine, others = one[start:end], other[other_start:other_end]
    if len(mine) == len(others) and common.isdisjoint(mine + others):
        yield from zip(others, mine, strict=True)
    else:
        yield from ((name, None) for name in mine + others)


def _smallest(stacks: Sequence[_Stack], names: _Names) -> _Names:
    """Leave out every function without which the stacks are equal, too."""
    for name in sorted(names):
        fewer = {other: new for other, new in names.items() if other != name}
        if len({_counted(stack, fewer) for stack in stacks}) == 1:
            names = fewer
    return names


def _verified(
    stacks: Sequence[_Stack], rules: tuple[NameRule, ...]
) -> CommonRule | None:
    found = {_counted(names_by(rules, stack), {}) for stack in stacks}
    return CommonRule(rules, found.pop()) if len(found) == 1 else None
