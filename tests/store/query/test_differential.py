"""Engines answer what the naive evaluator answers, on data and queries of all kinds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coresnap.store.fault import Fault, Value
from coresnap.store.index.contract import Index, IndexedGroup, Segment
from coresnap.store.index.opening import open_index
from coresnap.store.query.checking import check
from coresnap.store.query.query import Query
from coresnap.store.query.result import Buckets, FoldValue, Group, Result
from coresnap.store.query.vocabulary import vocabulary

from .generated import KNOWN, faults, groups_of, queries, queries_of_groups
from .naive import evaluate

_PROJECTS = itertools.count(1)
_NOW = 1764028800


@pytest.fixture(
    scope="module",
    params=["duckdb", pytest.param("clickhouse", marks=pytest.mark.clickhouse)],
)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Index]:
    """One index for all examples, each in a project of its own."""
    url = ""
    if request.param == "clickhouse":
        url = request.getfixturevalue("clickhouse").url("differential")
    index = open_index(url, tmp_path_factory.mktemp("index"))
    yield index
    index.close()


def _compare(
    index: Index,
    written: tuple[Fault, ...],
    groups: tuple[IndexedGroup, ...],
    asked: list[Query],
) -> None:
    project = next(_PROJECTS)
    try:
        if written:
            index.write(Segment(project, 1, written))
        index.put_groups(project, groups, 1)
        by_fingerprint = {group.fingerprint: group for group in groups}
        for query in asked:
            checked = check(query, KNOWN, _NOW)
            names = vocabulary(KNOWN, checked.derived)
            expected = evaluate(checked, written, by_fingerprint, names)
            found = index.query(project, query, KNOWN)
            _assert_same(found, expected, query)
    finally:
        index.clear(project)


def _assert_same(found: Result, expected: Result, query: Query) -> None:
    assert found.columns == expected.columns
    assert (found.total, found.faults, found.until, found.next) == (
        expected.total,
        expected.faults,
        expected.until,
        expected.next,
    ), query
    assert found.rows == expected.rows, query
    assert [_counted(g) for g in found.groups] == [
        _counted(g) for g in expected.groups
    ], query
    for one, other in zip(found.groups, expected.groups, strict=True):
        for value, wanted in zip(one.folds, other.folds, strict=True):
            assert _is_same(value, wanted), (value, wanted, query)


def _counted(group: Group) -> tuple[tuple[Value | None, ...], int]:
    return group.key, group.count


def _is_same(value: FoldValue, wanted: FoldValue) -> bool:
    """Equal, but for what sums of floats lose in their last digits."""
    if isinstance(value, Buckets) and isinstance(wanted, Buckets):
        return value == wanted
    if isinstance(value, float) and isinstance(wanted, float):
        return math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return value == wanted


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(faults(), groups_of(), st.lists(queries(), min_size=3, max_size=3))
def test_an_engine_answers_what_the_query_means(
    engine: Index,
    written: tuple[Fault, ...],
    groups: tuple[IndexedGroup, ...],
    asked: list[Query],
) -> None:
    _compare(engine, written, groups, asked)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(faults(), groups_of(), st.lists(queries_of_groups(), min_size=3, max_size=3))
def test_a_filter_of_groups_means_the_same_before_and_after_counting(
    engine: Index,
    written: tuple[Fault, ...],
    groups: tuple[IndexedGroup, ...],
    asked: list[Query],
) -> None:
    _compare(engine, written, groups, asked)


@pytest.mark.slow
@settings(
    max_examples=3000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(faults(), groups_of(), st.lists(queries(), min_size=3, max_size=3))
@pytest.mark.timeout(3600)
def test_an_engine_answers_what_thousands_of_queries_mean(
    engine: Index,
    written: tuple[Fault, ...],
    groups: tuple[IndexedGroup, ...],
    asked: list[Query],
) -> None:
    _compare(engine, written, groups, asked)
