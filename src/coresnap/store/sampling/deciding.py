"""Whether the body of an arriving fault is kept; its attributes always are."""

from __future__ import annotations

import time
from collections.abc import Mapping

import attrs
from sqlalchemy import Connection

from coresnap.store.accepting.arrival import Arrival
from coresnap.store.accepting.rows import find_fault
from coresnap.store.api.faults import Question, Wish
from coresnap.store.api.sampling import SamplingRule
from coresnap.store.fault import Value
from coresnap.store.project import Project
from coresnap.store.sampling.buckets import (
    BucketKey,
    add_firsts,
    bucket_key,
    count_sampled,
    find_progress,
    new_firsts,
    write_progress,
)
from coresnap.store.sampling.rules import find_rule
from coresnap.store.sampling.schedule import Progress, advanced, begun

__all__ = ["ALL", "NOTHING", "SUMMARY", "Keeping", "answer", "decide"]

ALL, SUMMARY, NOTHING = "all", "summary", "nothing"


@attrs.frozen
class Keeping:
    """What is kept of a fault beside its attributes."""

    kept: str
    """``all``, or ``summary``: nothing."""
    reason: str
    """In words; empty where no rule was asked."""


@attrs.frozen
class _Judgement:
    """What the rule says about one fault, and what is to be remembered of it."""

    keeping: Keeping
    key: BucketKey
    progress: Progress
    firsts: Mapping[str, str]


def decide(
    connection: Connection, project: Project, arrival: Arrival, now: int | None = None
) -> Keeping:
    """Say what of ``arrival`` is kept, and count it.

    The transaction is the one that accepts it. ``now`` is in seconds, UTC.
    """
    rule = find_rule(connection, project)
    if rule is None:
        return Keeping(ALL, "")
    now = int(time.time()) if now is None else now
    judged = _judge(
        connection, project, rule, arrival.fingerprint, arrival.attributes, now
    )
    write_progress(connection, project, rule, judged.key, judged.progress, now)
    add_firsts(connection, project, rule, judged.firsts, now)
    if judged.keeping.kept == SUMMARY:
        count_sampled(connection, project, arrival.fingerprint)
    return judged.keeping


def answer(
    connection: Connection, project: Project, question: Question, now: int | None = None
) -> Wish:
    """Say what is wanted of a snapshot before it is sent; nothing is remembered.

    What is decided when it comes may be different: others can come before.
    """
    known = find_fault(connection, project, question.object)
    if known is not None:
        return Wish(NOTHING, "the store has a fault with this object id")
    rule = find_rule(connection, project)
    if rule is None:
        return Wish(ALL)
    now = int(time.time()) if now is None else now
    judged = _judge(
        connection, project, rule, question.fingerprint, question.attributes, now
    )
    return Wish(judged.keeping.kept, judged.keeping.reason)


def _judge(
    connection: Connection,
    project: Project,
    rule: SamplingRule,
    fingerprint: str,
    attributes: Mapping[str, Value],
    now: int,
) -> _Judgement:
    key = bucket_key(rule, fingerprint, attributes)
    before = find_progress(connection, project, key)
    firsts = new_firsts(connection, project, rule, fingerprint, attributes)
    progress, is_kept = advanced(rule, before or begun(now), now, wanted=bool(firsts))
    return _Judgement(
        Keeping(
            ALL if is_kept else SUMMARY, _reason(progress, is_kept, before, firsts)
        ),
        key,
        progress,
        firsts,
    )


def _reason(
    progress: Progress,
    is_kept: bool,
    before: Progress | None,
    firsts: Mapping[str, str],
) -> str:
    if not is_kept:
        return (
            f"sampling kept {progress.kept} bodies of this kind, "
            f"and this is the {_ordinal(progress.sampled)} that it does not keep"
        )
    if before is None:
        return "the first of its kind"
    if firsts:
        return f"the first of its kind with this {next(iter(firsts))}"
    return f"the {_ordinal(progress.kept)} body of its kind"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
