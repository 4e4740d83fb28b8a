"""Filters, folds, orders and times as people type them."""

from __future__ import annotations

import pytest

from coresnap.errors import QueryError
from coresnap.store.query.filter_words import fingerprint_filter, parse_filter
from coresnap.store.query.fold_words import (
    parse_fold,
    parse_named_fold,
    parse_quantize,
    parse_truncate,
)
from coresnap.store.query.order_words import parse_having, parse_order
from coresnap.store.query.quantities import parse_duration
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Fold,
    FoldName,
    Operator,
    Order,
    OrderBy,
    TimeUnit,
)
from coresnap.store.query.times import age_filter, parse_moment, parse_range

NOW = 1_764_028_800  # 2025-11-25 00:00 UTC
DAY = 86400


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("application=simple", Condition("application", Operator.EQUAL, "simple")),
        ("a!=b", Condition("a", Operator.NOT_EQUAL, "b")),
        ("a~^x=y", Condition("a", Operator.REGULAR_EXPRESSION, "^x=y")),
        ("a!~x", Condition("a", Operator.INVERSE_REGULAR_EXPRESSION, "x")),
        ("a~*X", Condition("a", Operator.REGULAR_EXPRESSION, "X", True)),
        ("a>=1", Condition("a", Operator.AT_LEAST, "1")),
        ("a<1", Condition("a", Operator.LESS_THAN, "1")),
        ("a,contains,x,y", Condition("a", Operator.CONTAINS, "x,y")),
        ("a,equal,X,case-insensitive", Condition("a", Operator.EQUAL, "X", True)),
        ("a,is-set", Condition("a", Operator.IS_SET)),
        ("a=", Condition("a", Operator.EQUAL, "")),
    ],
)
def test_a_word_is_a_condition(word: str, expected: Condition) -> None:
    assert parse_filter(word) == expected


def test_alternatives_stand_in_one_word() -> None:
    found = parse_filter("a=1 || b=2")

    assert isinstance(found, AnyOf)
    assert [part.attribute for part in found.parts if isinstance(part, Condition)] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize("word", ["", "name", "=x", "a,like,x", "a,is-set,x"])
def test_what_is_no_condition_is_answered_with_what_one_is(word: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_filter(word)
    assert caught.value.remedy


def test_the_beginning_of_a_fingerprint_and_a_whole_one() -> None:
    whole = fingerprint_filter("AB" * 32)

    assert whole == Condition("group", Operator.EQUAL, "ab" * 32)
    assert isinstance(fingerprint_filter("ab"), AllOf)
    with pytest.raises(QueryError):
        fingerprint_filter("xyz")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("histogram:hostname", Fold(FoldName.HISTOGRAM, "hostname")),
        ("distribution:v,5", Fold(FoldName.DISTRIBUTION, "v", size=5)),
        ("bin:a,10,0,1GiB", Fold(FoldName.BIN, "a", size=10, lower=0, upper=2**30)),
        ("quantize:a,1h", Fold(FoldName.QUANTIZE, "a", width=3600)),
        ("first:a", Fold(FoldName.HEAD, "a")),
        ("object", Fold(FoldName.OBJECT, "object")),
    ],
)
def test_a_word_is_a_fold(word: str, expected: Fold) -> None:
    assert parse_fold(word) == expected


@pytest.mark.parametrize("word", ["", "median:a", "histogram:", "bin:a,x", "sum:a,3"])
def test_what_is_no_fold_is_refused(word: str) -> None:
    with pytest.raises(QueryError):
        parse_fold(word)


def test_columns_are_named_computed_and_bounded() -> None:
    assert parse_quantize("m,vm.rss.size,64MiB").width == 64 << 20
    assert parse_truncate("d,timestamp,day").unit is TimeUnit.DAY
    for word in ("m,vm", "d,timestamp,century"):
        with pytest.raises(QueryError):
            parse_truncate(word)


def test_orders_name_counts_keys_folds_and_attributes() -> None:
    folds = (parse_named_fold("range", "timestamp"), parse_fold("unique:hostname"))
    group = ("version",)

    assert parse_order("-count", group=group).by is OrderBy.COUNT
    assert parse_order("version", group=group).by is OrderBy.KEY
    found = parse_order("-unique:hostname", group=group, folds=folds)
    assert (found.fold, found.descending) == (1, True)
    assert parse_order("timestamp;0", folds=folds).fold == 0
    assert parse_order("-a", select=("a",)) == Order(
        OrderBy.ATTRIBUTE, descending=True, attribute="a"
    )
    with pytest.raises(QueryError):
        parse_order("nothing", group=group, folds=folds)


def test_having_compares_counts_and_folds() -> None:
    folds = (parse_fold("unique:hostname"),)

    assert parse_having("count>=10").operator is Operator.AT_LEAST
    assert parse_having("unique:hostname>5", folds).fold == 0
    with pytest.raises(QueryError):
        parse_having("many")


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2025-11-24", NOW - DAY, NOW),
        ("yesterday", NOW - DAY, NOW),
        ("2025-11-20..2025-11-22", NOW - 5 * DAY, NOW - 2 * DAY),
        ("2025-11-20..", NOW - 5 * DAY, None),
        ("last 2 hours", NOW - 7200, None),
        ("since yesterday", NOW - DAY, None),
    ],
)
def test_ranges_of_time(text: str, begin: int, end: int | None) -> None:
    found = parse_range(text, NOW)

    assert found.begin == begin
    assert found.end == end or (end is None and (found.end or NOW) >= NOW)


@pytest.mark.parametrize(
    "text", ["", "someday", "2025-13-01", "2025-11-22..2025-11-20"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse_range(text, NOW)


def test_spans_and_ages() -> None:
    assert parse_duration("1d12h") == DAY + DAY // 2
    assert parse_moment("2025-11-24", NOW) == NOW - DAY
    found = age_filter("1w", NOW)
    assert isinstance(found, AllOf)
    assert found.parts[0] == Condition("timestamp", Operator.AT_LEAST, NOW - 7 * DAY)
    for text in ("", "1", "x", "1 parsec"):
        with pytest.raises(QueryError):
            parse_duration(text)
