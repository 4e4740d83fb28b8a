"""The ten queries, for coroner's indexes and for peers that keep JSON.

Each has the same filter everywhere, so the number of faults that pass it has to agree.
"""

from __future__ import annotations

import attrs

from coresnap.store.fault import Fault
from coresnap.store.query.query import (
    AllOf,
    Condition,
    Derivation,
    Derived,
    Filter,
    Fold,
    FoldName,
    Having,
    Operator,
    Order,
    OrderBy,
    Query,
    TimeUnit,
)

__all__ = ["Question", "questions"]

_DAY = 86400


@attrs.frozen
class Question:
    """One query in three languages. Those of peers give a count in the first column."""

    name: str
    query: Query
    sqlite: str
    postgresql: str


def questions(sample: list[Fault], end: int) -> list[Question]:
    """Make the ten queries about faults like those of ``sample``."""
    counts: dict[str, int] = {}
    for fault in sample:
        counts[fault.fingerprint] = counts.get(fault.fingerprint, 0) + 1
    busiest = max(counts, key=lambda name: counts[name])
    example = next(f for f in sample if f.fingerprint == busiest)
    application = str(example.attributes["application"])
    function = str(example.attributes["callstack"]).split("\n")[1]
    rare = next(n for n in sample[-1].attributes if n.startswith("custom."))
    value = str(sample[-1].attributes[rare])
    month, week = end - 30 * _DAY, end - 7 * _DAY
    pattern = f"{function[:-1]}.\\n"
    of_month: Filter = Condition("timestamp", Operator.AT_LEAST, month)
    of_application = Condition("application", Operator.EQUAL, application)
    of_busiest = Condition("fingerprint", Operator.EQUAL, busiest)
    seen = (Fold(FoldName.MINIMUM, "timestamp"), Fold(FoldName.MAXIMUM, "timestamp"))
    hosts = Fold(FoldName.UNIQUE, "hostname")
    by_count = (Order(OrderBy.COUNT, descending=True),)
    listed = "count(*), fingerprint, min(time), max(time), count(DISTINCT {host})"
    return [
        _question(
            "groups of one application, 30 days",
            Query(
                filter=AllOf((of_month, of_application)),
                group=("fingerprint",),
                folds=(*seen, hosts),
                order=by_count,
            ),
            f"SELECT {listed} FROM fault WHERE time >= {month} AND "
            f"{{application}} = '{application}' GROUP BY 2 ORDER BY 1 DESC",
        ),
        _question(
            "all groups of a year",
            Query(group=("fingerprint",), folds=(*seen, hosts), order=by_count),
            f"SELECT {listed} FROM fault GROUP BY 2 ORDER BY 1 DESC",
        ),
        _question(
            "open groups, as the workflow has them now",
            Query(
                filter=Condition("group.state", Operator.EQUAL, "open"),
                group=("group",),
                folds=seen,
                order=by_count,
            ),
            "SELECT count(*), grp, min(time), max(time) FROM fault JOIN grp USING"
            " (fingerprint) WHERE state = 'open' GROUP BY 2 ORDER BY 1 DESC",
        ),
        _question(
            "histogram of one attribute",
            Query(folds=(Fold(FoldName.HISTOGRAM, "version"),)),
            "SELECT count(*), {version} FROM fault GROUP BY 2 ORDER BY 1 DESC",
        ),
        _question(
            "regular expression over call stacks",
            Query(
                filter=Condition("callstack", Operator.REGULAR_EXPRESSION, pattern),
                group=("fingerprint",),
                order=by_count,
            ),
            "SELECT count(*), fingerprint FROM fault WHERE {callstack} {regexp}"
            f" {{escape}}'{pattern}' GROUP BY 2 ORDER BY 1 DESC",
        ),
        _question(
            "a rare attribute's value",
            Query(
                filter=Condition(rare, Operator.EQUAL, value),
                group=("fingerprint",),
                order=by_count,
            ),
            f"SELECT count(*), fingerprint FROM fault WHERE {{is:{rare}={value}}}"
            " GROUP BY 2 ORDER BY 1 DESC",
        ),
        _question(
            "groups that are new this week",
            Query(
                group=("fingerprint",),
                folds=seen,
                having=(Having(Operator.AT_LEAST, week, fold=0),),
                order=by_count,
            ),
            "SELECT count(*), fingerprint, min(time), max(time) FROM fault GROUP BY 2"
            f" HAVING min(time) >= {week} ORDER BY 1 DESC",
        ),
        _question(
            "one group day by day",
            Query(
                filter=of_busiest,
                group=("day",),
                derived=(
                    Derived("day", "timestamp", Derivation.TRUNCATE, unit=TimeUnit.DAY),
                ),
                limit=400,
            ),
            f"SELECT count(*), time / 86400 FROM fault WHERE fingerprint = '{busiest}'"
            " GROUP BY 2 ORDER BY 2",
        ),
        _question(
            "memory of one group, in 32 intervals",
            Query(
                filter=of_busiest,
                folds=(
                    Fold(FoldName.BIN, "vm.rss.size", size=32),
                    Fold(FoldName.MEAN, "vm.rss.size"),
                ),
            ),
            "SELECT count(*), CAST({rss} AS BIGINT) / 500000000 FROM fault"
            f" WHERE fingerprint = '{busiest}' GROUP BY 2",
        ),
        _question(
            "the last 20 faults of one application",
            Query(
                filter=of_application,
                select=("timestamp", "hostname", "version", "callstack"),
                order=(
                    Order(OrderBy.ATTRIBUTE, descending=True, attribute="timestamp"),
                ),
                limit=20,
            ),
            "SELECT 1, time, {host}, {version}, {callstack} FROM fault"
            f" WHERE {{application}} = '{application}' ORDER BY time DESC LIMIT 20",
        ),
    ]


_NAMES = {
    "host": "hostname",
    "application": "application",
    "version": "version",
    "callstack": "callstack",
    "rss": "vm.rss.size",
}


def _question(name: str, query: Query, template: str) -> Question:
    sqlite, postgresql = template, template
    for short, attribute in _NAMES.items():
        path = '$."' + attribute + '"'
        sqlite = sqlite.replace(f"{{{short}}}", f"json_extract(a, '{path}')")
        postgresql = postgresql.replace(f"{{{short}}}", f"(a->>'{attribute}')")
    sqlite = sqlite.replace("{regexp}", "REGEXP").replace("{escape}", "")
    postgresql = postgresql.replace("{regexp}", "~").replace("{escape}", "E")
    if "{is:" in template:
        condition = template.partition("{is:")[2].partition("}")[0]
        key, _, value = condition.partition("=")
        path = '$."' + key + '"'
        sqlite = sqlite.replace(
            f"{{is:{condition}}}", f"json_extract(a, '{path}') = '{value}'"
        )
        postgresql = postgresql.replace(
            f"{{is:{condition}}}", f"""a @> '{{"{key}": "{value}"}}'"""
        )
    return Question(name, query, sqlite, postgresql)
