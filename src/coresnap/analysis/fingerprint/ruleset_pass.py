"""An administrator's rules, applied before those that come with coresnap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.fingerprint.circumstances import Circumstances
from coresnap.analysis.fingerprint.lines import Fate, Line
from coresnap.config.bounded_regex import found_in
from coresnap.config.rulesets import FrameRule, Ruleset

__all__ = ["apply_rulesets"]

_LONGEST_VALUE = 1024


class _Effects(msgspec.Struct):
    """What acts beyond the frame that a rule fits."""

    skipped: str | None = None
    """The module whose frames are dropped as long as they follow each other."""
    skipped_by: str = ""
    stopped_by: str = ""
    signed: dict[str, str] = {}
    attributes: dict[str, str] = {}


def apply_rulesets(
    lines: Sequence[Line], facts: Circumstances, rulesets: Sequence[Ruleset]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Let ``rulesets`` act on ``lines``, innermost first.

    Returns what else is signed, as ``name=value``, and the attributes that were set.
    """
    effects = _Effects(signed={}, attributes={})
    sets = [one for one in rulesets if not one.systems or facts.system in one.systems]
    for line in lines:
        if not line.signed:
            continue
        if effects.stopped_by:
            line.drop(effects.stopped_by, Fate.STOPPED)
        elif effects.skipped is not None and line.module == effects.skipped:
            line.drop(effects.skipped_by)
        else:
            effects.skipped = None
            for label, rule in _fitting(sets, line):
                _act(rule, label, line, effects, facts)
    signed = {**effects.signed}
    return tuple(f"{name}={signed[name]}" for name in sorted(signed)), dict(
        effects.attributes
    )


def _fitting(sets: Sequence[Ruleset], line: Line) -> Iterator[tuple[str, FrameRule]]:
    for one in sets:
        if one.languages and _language(line) not in one.languages:
            continue
        for rule in one.rules:
            if _fits(rule, line):
                yield f"{one.name}: {rule.name}", rule
                if one.ordered:
                    break


def _language(line: Line) -> str:
    return (line.frame.language or "").rstrip("0123456789")


def _fits(rule: FrameRule, line: Line) -> bool:
    frame = line.frame
    return all(
        pattern is None or found_in(pattern, text) is not None
        for pattern, text in (
            (rule.function, line.name),
            (rule.object, frame.module or ""),
            (rule.source, frame.file or ""),
        )
    )


def _act(
    rule: FrameRule, label: str, line: Line, effects: _Effects, facts: Circumstances
) -> None:
    if rule.rename is not None:
        match = found_in(rule.function, line.name) if rule.function else None
        line.name = match.expand(rule.rename) if match else rule.rename
        line.fate, line.rule = Fate.RENAMED, label
    for name in rule.sign:
        value = effects.attributes.get(name, facts.attributes.get(name, ""))
        effects.signed[name] = " ".join(str(value)[:_LONGEST_VALUE].split())
    effects.attributes.update(rule.set)
    if rule.skip_object:
        effects.skipped, effects.skipped_by = line.module, label
    if rule.ignore or rule.skip_object:
        line.drop(label)
    elif rule.keep:
        line.kept_by = line.rule = label
    if rule.terminate:
        effects.stopped_by = label
