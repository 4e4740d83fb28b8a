"""Repetition in a stack: depth says nothing about which fault it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from coresnap.analysis.fingerprint.lines import Fate, Line

__all__ = ["collapse_recursion", "keep_the_cycle", "one_turn_each"]

_LONGEST_CYCLE = 32
_SEARCHED = 512
"""Signed frames in which a cycle is looked for."""
_TURNS = 3


def collapse_recursion(lines: Sequence[Line]) -> None:
    """Let a function count where it stands innermost, and no second time."""
    seen: set[str] = set()
    for line in lines:
        if line.signed:
            if (function := line.whose) in seen:
                line.drop("recursion", Fate.COLLAPSED, shown=line.shown)
            seen.add(function)


def keep_the_cycle(lines: Sequence[Line]) -> list[str]:
    """Leave of an exhausted stack the cycle alone, begun at its least line.

    Where the last page was met, and from where the recursion was entered, is chance.
    Returns the functions of the cycle; empty if nothing repeats.
    """
    signed = [line for line in lines if line.signed]
    texts = [line.whose for line in signed[:_SEARCHED]]
    start, cycle = _cycle(texts)
    if not cycle:
        counts = Counter(texts)
        often = [text for text in dict.fromkeys(texts) if counts[text] >= _TURNS]
        start, cycle = 0, sorted(often)
    if not cycle:
        return []
    turn = set(map(id, _turn(signed, start, cycle)))
    for line in signed:
        if id(line) not in turn:
            line.drop("stack overflow: the cycle counts", Fate.COLLAPSED, shown=True)
    least = cycle.index(min(cycle))
    return cycle[least:] + cycle[:least]


def _turn(signed: Sequence[Line], start: int, cycle: Sequence[str]) -> list[Line]:
    missing = list(cycle)
    turn = []
    for line in signed[start:]:
        if line.whose in missing:
            missing.remove(line.whose)
            turn.append(line)
    return turn


def _cycle(texts: Sequence[str]) -> tuple[int, list[str]]:
    """The first stretch that repeats at once, and where it begins."""
    for start in range(min(len(texts), _LONGEST_CYCLE * 2)):
        for length in range(1, _LONGEST_CYCLE + 1):
            end = start + length * _TURNS
            if end > len(texts):
                break
            turn = texts[start : start + length]
            if list(turn) * _TURNS == list(texts[start:end]):
                return start, list(turn)
    return 0, []


def one_turn_each(texts: Sequence[str]) -> list[str]:
    """Reduce each run of a repeated cycle to one turn of it, for people to read."""
    kept: list[str] = []
    at = 0
    while at < len(texts):
        length = _repeating_at(texts, at)
        turn = texts[at : at + length]
        kept.extend(turn)
        at += length
        while texts[at : at + 1] and texts[at : at + length] == turn:
            at += length
    return kept


def _repeating_at(texts: Sequence[str], at: int) -> int:
    for length in range(1, _LONGEST_CYCLE + 1):
        again = at + length
        if again >= len(texts):
            break
        if texts[again] == texts[at]:
            turn = texts[at:again]
            if texts[again : again + length] == turn:
                return length
    return 1
