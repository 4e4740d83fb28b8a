"""Queries answered by an engine: the one way from the tree to a result."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import msgspec

from coresnap.errors import QueryError
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.query.checking import check
from coresnap.store.query.comparing import NEGATIONS, PATTERNS
from coresnap.store.query.query import Condition, Filter, Query
from coresnap.store.query.result import Result
from coresnap.store.query.sql.asking import Asking
from coresnap.store.query.sql.conditions import pattern_of
from coresnap.store.query.sql.grouping import answer_groups
from coresnap.store.query.sql.relation import Relation
from coresnap.store.query.sql.selecting import answer_rows
from coresnap.store.query.sql.version_conditions import with_listed_versions
from coresnap.store.query.vocabulary import vocabulary

__all__ = ["answer"]


def answer(query: Query, known: Mapping[str, Attribute], relation: Relation) -> Result:
    """Check and answer a query; ``Index.query`` is this over its own relation.

    Raises QueryError for what cannot be asked, StorageError where the engine fails.
    """
    begin = time.perf_counter()
    checked = check(query, known, int(time.time()))
    names = vocabulary(known, checked.derived)
    for pattern in _patterns(checked.filter, names):
        refusal = relation.refusal(pattern)
        if refusal is not None:
            raise QueryError(
                f"not a regular expression: {refusal}",
                remedy="Write it in the syntax of RE2; quote . ( [ * + ? | by \\.",
            )
    until = checked.until
    if until is None:
        until = relation.last_sequence()
    asking = Asking(checked, names, relation, until)
    listed = with_listed_versions(asking, checked.filter)
    checked = msgspec.structs.replace(checked, filter=listed)
    asking = Asking(checked, names, relation, until)
    result = answer_rows(asking) if checked.select else answer_groups(asking)
    seconds = time.perf_counter() - begin
    return msgspec.structs.replace(result, until=until, seconds=seconds)


def _patterns(part: Filter, names: Mapping[str, Attribute]) -> Iterator[str]:
    """Yield the regular expressions that people wrote."""
    if not isinstance(part, Condition):
        for inner in part.parts:
            yield from _patterns(inner, names)
        return
    if part.operator in PATTERNS:
        operator = NEGATIONS.get(part.operator, part.operator)
        pattern = pattern_of(part, operator, names[part.attribute].kind)
        if pattern is not None:
            yield pattern
