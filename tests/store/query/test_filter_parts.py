"""What a filter says of faults, and what it says of groups alone."""

from __future__ import annotations

import pytest

from coresnap.store.query.query import AllOf, AnyOf, Condition, Filter, NoneOf, Operator
from coresnap.store.query.sql.filter_parts import FilterParts

OPEN = Condition("group.state", Operator.EQUAL, "open")
MINE = Condition("group.assignee", Operator.EQUAL, "ada")
HOST = Condition("hostname", Operator.EQUAL, "db1")
LATE = Condition("timestamp", Operator.AT_LEAST, 7)


@pytest.mark.parametrize(
    ("whole", "of_faults", "of_groups"),
    [
        (AllOf(), (), ()),
        (HOST, (HOST,), ()),
        (OPEN, (), (OPEN,)),
        (AllOf((HOST, OPEN)), (HOST,), (OPEN,)),
        (AllOf((LATE, AllOf((HOST, AllOf((OPEN,)))))), (LATE, HOST), (OPEN,)),
        (AnyOf((OPEN, MINE)), (), (AnyOf((OPEN, MINE)),)),
        (AllOf((NoneOf((OPEN,)), HOST)), (HOST,), (NoneOf((OPEN,)),)),
    ],
)
def test_a_filter_is_parted_where_all_of_it_has_to_hold(
    whole: Filter, of_faults: tuple[Filter, ...], of_groups: tuple[Filter, ...]
) -> None:
    assert FilterParts.of(whole) == FilterParts(AllOf(of_faults), AllOf(of_groups))


@pytest.mark.parametrize(
    "whole",
    [AnyOf((OPEN, HOST)), AllOf((LATE, NoneOf((HOST, OPEN)))), NoneOf((HOST, OPEN))],
)
def test_a_filter_that_mixes_both_stays_whole(whole: Filter) -> None:
    assert FilterParts.of(whole) is None
