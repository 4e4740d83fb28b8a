"""Policies from what people give for them, by command line or by form."""

from __future__ import annotations

import re
from collections.abc import Mapping

from coresnap.config.quantities import parse_duration
from coresnap.store.api.retention import Action, RetentionRule
from coresnap.store.api.sampling import Step

__all__ = ["parse_step", "retention_rules"]


def parse_step(word: str) -> Step:
    """Return the step of ``COUNT:INTERVAL``; raise ValueError, which says why not."""
    count, _, interval = word.partition(":")
    if not re.fullmatch("[0-9]{1,7}", count) or int(count) == 0:
        raise ValueError("has no count above 0")
    return Step(int(count), 0 if interval == "0" else parse_duration(interval))


def retention_rules(
    ages: Mapping[Action, int | None],
    size: int | None,
    keep: tuple[int, int] | None,
    *,
    last_body: bool,
) -> tuple[RetentionRule, ...]:
    """Return a policy's rules: by age in seconds, by bytes, by how many first and last
    bodies of a kind are kept. None is no rule; ``last_body`` is for what drops."""
    rules = [
        RetentionRule(a, age=age, last_body=last_body and a is Action.DROP_BODY)
        for a, age in ages.items()
        if age is not None
    ]
    if size is not None:
        rules.append(RetentionRule(Action.DROP_BODY, size=size, last_body=last_body))
    if keep is not None:
        rules.append(RetentionRule(Action.DROP_BODY, first=keep[0], last=keep[1]))
    return tuple(rules)
