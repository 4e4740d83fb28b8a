"""What people write into the fields of administration, read as the commands read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from coresnap.config.quantities import parse_duration, parse_size
from coresnap.errors import UsageError
from coresnap.store.api.retention import Action, RetentionPolicy, RetentionRule
from coresnap.store.api.sampling import SamplingRule, Step
from coresnap.store.api.scrubbing import Scrubbing, ScrubExpression
from coresnap.views.web.page import Visit

__all__ = ["policy_of", "sampling_of", "scrubbing_of", "whole_number"]

T = TypeVar("T")


def policy_of(visit: Visit) -> RetentionPolicy:
    """Return the policy of a form; raise UsageError for a field that makes no sense."""
    last_body = bool(visit.one("last_body"))
    rules = []
    for field, action in (
        ("compress_age", Action.COMPRESS),
        ("drop_age", Action.DROP_BODY),
        ("forget_age", Action.FORGET),
    ):
        age = _optional(visit, field, parse_duration)
        if age is not None:
            takes_last = last_body and action is Action.DROP_BODY
            rules.append(RetentionRule(action, age=age, last_body=takes_last))
    size = _optional(visit, "drop_size", parse_size)
    if size is not None:
        rules.append(RetentionRule(Action.DROP_BODY, size=size, last_body=last_body))
    first, last = _count(visit, "keep_first"), _count(visit, "keep_last")
    if first is not None or last is not None:
        rule = RetentionRule(Action.DROP_BODY, first=first or 0, last=last or 0)
        rules.append(rule)
    return RetentionPolicy(tuple(rules), _optional(visit, "quota", parse_size))


def sampling_of(visit: Visit) -> SamplingRule:
    """Return the rule of a form; raise UsageError."""
    steps = tuple(_step(word) for word in _names(visit.one("steps")))
    reset = _optional(visit, "reset", parse_duration)
    return SamplingRule(
        steps,
        24 * 60 * 60 if reset is None else reset,
        _names(visit.one("attributes")),
        _names(visit.one("first_of")),
    )


def scrubbing_of(visit: Visit) -> Scrubbing:
    """Return what a form wants taken out; raise UsageError."""
    expressions = []
    for line in visit.one("expressions").splitlines():
        name, sign, pattern = line.strip().partition(" ")
        if not name:
            continue
        if not sign or not pattern.strip():
            raise UsageError(
                f"a line is a name and an expression, not {line.strip()[:80]!r}",
                remedy="For example: customer CUST-[0-9]{6}",
            )
        expressions.append(ScrubExpression(name, pattern.strip()))
    return Scrubbing(visit.all("built_in"), tuple(expressions))


def whole_number(visit: Visit, field: str) -> int | None:
    """Return a number that may be left out; raise UsageError for what is none."""
    return _count(visit, field)


def _step(word: str) -> Step:
    count, _, interval = word.partition(":")
    try:
        seconds = 0 if interval in ("", "0") else parse_duration(interval)
        return Step(int(count), seconds)
    except ValueError:
        raise UsageError(
            f"a step is COUNT:INTERVAL, not {word[:40]!r}",
            remedy="For example 2:0 4:1m 8:1h.",
        ) from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _count(visit: Visit, field: str) -> int | None:
    return _optional(visit, field, int)


def _optional(visit: Visit, field: str, parse: Callable[[str], T]) -> T | None:
    text = visit.one(field).strip()
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        name = field.replace("_", " ")
        raise UsageError(f"{name}: {text[:40]!r} {error}") from None
