"""What people write into the fields of administration, read as the commands read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from coresnap.config.quantities import parse_duration, parse_size
from coresnap.errors import UsageError
from coresnap.store.api.retention import Action, RetentionPolicy
from coresnap.store.api.sampling import SamplingRule, Step
from coresnap.store.api.scrubbing import Scrubbing, ScrubExpression
from coresnap.views.policies import parse_step, retention_rules
from coresnap.views.web.page import Visit

__all__ = ["policy_of", "sampling_of", "scrubbing_of"]

T = TypeVar("T")


def policy_of(visit: Visit) -> RetentionPolicy:
    """Return the policy of a form; raise UsageError for a field that makes no sense."""
    first, last = visit.number("keep_first"), visit.number("keep_last")
    is_counted = first is not None or last is not None
    rules = retention_rules(
        {
            Action.COMPRESS: _optional(visit, "compress_age", parse_duration),
            Action.DROP_BODY: _optional(visit, "drop_age", parse_duration),
            Action.FORGET: _optional(visit, "forget_age", parse_duration),
        },
        _optional(visit, "drop_size", parse_size),
        (first or 0, last or 0) if is_counted else None,
        last_body=bool(visit.one("last_body")),
    )
    return RetentionPolicy(rules, _optional(visit, "quota", parse_size))


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


def _step(word: str) -> Step:
    try:
        return parse_step(word)
    except ValueError:
        raise UsageError(
            f"a step is COUNT:INTERVAL, not {word[:40]!r}",
            remedy="For example 2:0 4:1m 8:1h.",
        ) from None


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _optional(visit: Visit, field: str, parse: Callable[[str], T]) -> T | None:
    text = visit.one(field).strip()
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        name = field.replace("_", " ")
        raise UsageError(f"{name}: {text[:40]!r} {error}") from None
