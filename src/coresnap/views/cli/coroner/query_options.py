"""The options that make a query, and the query that they make."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from coresnap.errors import UsageError

if TYPE_CHECKING:
    from coresnap.store.query.query import Derived, Filter, Fold
    from coresnap.store.query.times import TimeRange

__all__ = [
    "add_filters",
    "add_query",
    "derived_of",
    "filter_of",
    "folds_of",
    "interval_of",
]

FOLDS = (
    *("head", "tail", "unique", "histogram", "distribution", "bin"),
    *("sum", "mean", "min", "max", "range", "count", "object"),
)


class _FoldAction(argparse.Action):
    """Keeps folds in the order in which they stand, whatever their option."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,  # noqa: ANN401 - argparse's protocol
        option_string: str | None = None,
    ) -> None:
        name = (option_string or "").lstrip("-")
        word = values if name == "fold" else f"{name}:{values}"
        namespace.folds = [*(namespace.folds or []), word]


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Declare what chooses faults."""
    parser.add_argument(
        "--filter",
        metavar="CONDITION",
        action="append",
        default=[],
        help="only faults for which it holds: ATTRIBUTE=VALUE, also with != ~ !~ >= <= "
        "> < or as ATTRIBUTE,OPERATOR,VALUE; ` || ` between alternatives (repeatable)",
    )
    parser.add_argument(
        "--age", metavar="SPAN", help="only crashes of the last SPAN: 1h, 2d, 1w, 1M"
    )
    parser.add_argument(
        "--time",
        metavar="RANGE",
        help="only crashes in RANGE: 2026-11-01..2026-11-08, yesterday, last 2 hours",
    )
    parser.add_argument(
        "--fingerprint",
        metavar="PREFIX",
        help="only the group whose id begins with PREFIX",
    )
    parser.add_argument(
        "--classifier",
        metavar="NAME",
        action="append",
        default=[],
        help="only faults with this classifier (repeatable)",
    )
    parser.add_argument(
        "--frames",
        metavar="A,B,C",
        help="only faults whose stack has these in this order, from the inner end; "
        "each is a regular expression",
    )


def add_query(parser: argparse.ArgumentParser) -> None:
    """Declare what is made of the chosen faults."""
    parser.add_argument(
        "--factor",
        "--aggregate",
        metavar="ATTRIBUTE",
        action="append",
        default=[],
        help="group by this attribute instead (repeatable; * for all as one)",
    )
    parser.add_argument(
        "--fold",
        metavar="NAME:ATTRIBUTE",
        action=_FoldAction,
        dest="folds",
        help="show this of each group's faults, as in histogram:hostname (repeatable)",
    )
    for name in FOLDS:
        parser.add_argument(
            f"--{name}",
            metavar="ATTRIBUTE",
            action=_FoldAction,
            dest="folds",
            help=f"the same as --fold {name}:ATTRIBUTE",
        )
    parser.add_argument(
        "--quantize",
        metavar="NAME,ATTRIBUTE,WIDTH",
        action="append",
        default=[],
        help="add a column: the attribute's next lower multiple of WIDTH",
    )
    parser.add_argument(
        "--truncate",
        metavar="NAME,ATTRIBUTE,UNIT",
        action="append",
        default=[],
        help="add a column: the time's hour, day, week, month, quarter or year",
    )
    parser.add_argument(
        "--having",
        metavar="CONDITION",
        action="append",
        default=[],
        help="only groups for which it holds: count>=10, unique:hostname>5",
    )
    parser.add_argument(
        "--select",
        metavar="ATTRIBUTE",
        action="append",
        default=[],
        help="show faults, not groups: these attributes of each; * stands for any rest",
    )
    parser.add_argument(
        "--sort",
        metavar="[-]WHAT",
        action="append",
        default=[],
        help="sort by an attribute, count or a fold; - is for the largest first",
    )
    parser.add_argument(
        "--offset", metavar="N", type=int, default=0, help="leave out the first N"
    )
    parser.add_argument(
        "--until",
        metavar="N",
        type=int,
        help="nothing that came later than that: for the pages after the first, whose "
        "footer says N",
    )


def filter_of(arguments: argparse.Namespace) -> Filter:
    """Return the filter that the options make. Raises QueryError."""
    from coresnap.store.query.filter_words import (
        all_of,
        fingerprint_filter,
        parse_filter,
    )
    from coresnap.store.query.query import AllOf, Condition, Operator
    from coresnap.store.query.times import time_filter

    parts = [parse_filter(word) for word in arguments.filter]
    interval = time_filter(interval_of(arguments, int(time.time())))
    parts += interval.parts if isinstance(interval, AllOf) else (interval,)
    if arguments.fingerprint is not None:
        parts.append(fingerprint_filter(arguments.fingerprint))
    parts += [
        Condition("classifiers", Operator.CONTAINS, name)
        for name in arguments.classifier
    ]
    if arguments.frames is not None:
        parts.append(
            Condition(
                "callstack", Operator.REGULAR_EXPRESSION, _in_order(arguments.frames)
            )
        )
    return all_of(parts)


def interval_of(arguments: argparse.Namespace, now: int) -> TimeRange:
    """Return the times in which ``--age`` and ``--time`` look for crashes.

    ``now`` is seconds UTC since the epoch. Raises QueryError.
    """
    from coresnap.store.query.quantities import parse_duration
    from coresnap.store.query.times import TimeRange, parse_range

    ranges = []
    if arguments.age is not None:
        ranges.append(TimeRange(now - parse_duration(arguments.age), None))
    if arguments.time is not None:
        ranges.append(parse_range(arguments.time, now))
    return TimeRange(
        max((one.begin for one in ranges if one.begin is not None), default=None),
        min((one.end for one in ranges if one.end is not None), default=None),
    )


def _in_order(frames: str) -> str:
    """A regular expression for frames in this order, others between them."""
    expressions = [frame for frame in frames.split(",") if frame]
    if not expressions:
        raise UsageError("--frames names no frame")
    return r"(?:\n|\n.*\n)".join(
        rf"(?-s:[^\n]*(?:{expression})[^\n]*)" for expression in expressions
    )


def folds_of(arguments: argparse.Namespace) -> tuple[Fold, ...]:
    """Return the folds in the order in which they stand. Raises QueryError."""
    from coresnap.store.query.fold_words import parse_fold

    return tuple(parse_fold(word) for word in arguments.folds or ())


def derived_of(arguments: argparse.Namespace) -> tuple[Derived, ...]:
    """Return the columns that are computed. Raises QueryError."""
    from coresnap.store.query.fold_words import parse_quantize, parse_truncate

    return (
        *map(parse_quantize, arguments.quantize),
        *map(parse_truncate, arguments.truncate),
    )
