"""Rules in words: why something went."""

from __future__ import annotations

from coresnap.store.api.retention import Outcome, RetentionRule

__all__ = ["outcome_words", "reason_of", "rule_words"]

_ACTIONS = {"compress": "compress", "drop-body": "drop bodies", "forget": "forget"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def rule_words(rule: RetentionRule) -> str:
    """Return a rule as a person says it: ``drop bodies after 90d``."""
    text = f"{_ACTIONS[rule.action]} {_condition(rule)}"
    return f"{text}, the last of a group too" if rule.last_body else text


def reason_of(rule: RetentionRule | None) -> str:
    """Return why a body went; without a rule it was for want of room on the disk."""
    if rule is None:
        return "the disk was nearly full"
    return f"retention: {rule_words(rule)}"


def outcome_words(outcome: Outcome) -> str:
    """Return what retention did: ``3 compressed, 12 dropped, …``."""
    return (
        f"{outcome.compressed} compressed, {outcome.dropped} dropped, "
        f"{outcome.forgotten} forgotten, {outcome.freed} bytes freed"
    )


def _condition(rule: RetentionRule) -> str:
    if rule.age is not None:
        return f"after {_span(rule.age)}"
    if rule.size is not None:
        return f"above {rule.size} bytes"
    return f"but the first {rule.first or 0} and last {rule.last or 0} of each kind"


def _span(seconds: int) -> str:
    for unit, name in _UNITS:
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"
