"""What every index promises, whichever engine holds it."""

from __future__ import annotations

import pytest

from coresnap.errors import QueryError
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value
from coresnap.store.index.contract import Index, IndexedGroup, Segment
from coresnap.store.query.query import Condition, Fold, FoldName, Operator, Query
from coresnap.store.query.result import Buckets, Group

from .faults import KNOWN, OCTOBER, SEPTEMBER, counted, fault, selected

NAME = 'it\'s \\ a "name"'


def test_a_project_without_faults_can_be_asked(index: Index) -> None:
    assert index.written(1) == 0
    assert index.groups_revision(1) == 0
    assert counted(index) == 0
    assert selected(index, "hostname", "x.text", "group") == []


def test_a_segment_that_is_written_again_changes_nothing(index: Index) -> None:
    segment = Segment(1, 1, (fault(1), fault(2)))
    for _ in range(3):
        index.write(segment)
    index.write(Segment(1, 2, (fault(3),)))
    index.write(segment)
    assert counted(index) == 3
    assert index.written(1) == 2


@pytest.mark.parametrize("number", [9223372036854775808.0, 6.25e16, -1e300, 3.0])
def test_a_whole_float_stays_the_float_that_it_was(index: Index, number: float) -> None:
    index.write(Segment(1, 1, (fault(1, x_ratio=number), fault(2, x_ratio=number))))
    fold = Fold(FoldName.HISTOGRAM, "x.ratio")
    result = index.query(1, Query(group=("x.ratio",), folds=(fold,)), KNOWN)

    assert selected(index, "x.ratio") == [(number,), (number,)]
    assert result.groups == (Group((number,), 2, (Buckets((number,), (2,)),)),)


def test_values_are_had_back_as_they_were(index: Index) -> None:
    values: list[tuple[str, Value]] = [
        ("hostname", "a\nb\t\\'\"\0 é \U0001f600"),
        ("vm.rss.size", 2**63 - 1),
        ("fault.address", -(2**63)),
        ("system.load.1", 0.1),
        ("x.text", ""),
        ("x.count", -5),
        ("x.ratio", 1e-300),
        (NAME, "1"),
    ]
    full = fault(1)
    full.attributes.update(values)
    index.write(Segment(1, 1, (full, fault(2))))
    names = [name for name, _ in values]
    assert selected(index, *names) == [
        tuple(value for _, value in values),
        (None,) * len(values),
    ]


@pytest.mark.parametrize(
    ("value", "as_number", "as_text"),
    [
        (5, 5.0, "5"),
        (5.0, 5.0, "5.0"),
        (0.1, 0.1, "0.1"),
        (1e16, 1e16, "1e+16"),
        (1e-5, 1e-5, "1e-05"),
        (-0.0, 0.0, "0.0"),
        (123456789012345.6, 123456789012345.6, "123456789012345.6"),
        (float("inf"), None, "inf"),
        (2**70, float(2**70), str(2**70)),
        ("7.5", 7.5, "7.5"),
        ("x", None, "x"),
    ],
)
@pytest.mark.parametrize(
    "name", ["vm.rss.size", "system.load.1", "hostname", "x.ratio"]
)
def test_a_value_means_the_same_under_each_kind_wherever_it_is_kept(
    index: Index, name: str, value: Value, as_number: float | None, as_text: str
) -> None:
    one = fault(1)
    one.attributes[name] = value
    index.write(Segment(1, 1, (one,)))
    for kind, expected in ((Kind.NUMBER, as_number), (Kind.TEXT, as_text)):
        known = KNOWN | {name: Attribute(name, kind)}
        result = index.query(1, Query(select=(name,)), known)
        assert result.rows[0].values == (expected,), kind


def test_a_replaced_fault_is_there_once_also_in_another_month(index: Index) -> None:
    old = fault(1, received=SEPTEMBER, hostname="old")
    index.write(Segment(1, 1, (old, fault(2, hostname="two"))))
    new = Segment(1, 2, (fault(1, received=OCTOBER, hostname="new"), fault(3)))
    index.write(new)
    index.write(new)
    assert selected(index, "hostname") == [("new",), ("two",), (None,)]


def test_removed_faults_are_gone(index: Index) -> None:
    faults = tuple(fault(number) for number in range(1, 7))
    index.write(Segment(1, 1, faults, removed=(faults[0].object,)))
    index.remove(1, [faults[1].object, faults[2].object, "not there"])
    assert selected(index, "object") == [(f.object,) for f in faults[3:]]
    index.write(Segment(1, 2, (), removed=(faults[3].object,)))
    assert counted(index) == 2
    assert index.written(1) == 2


def test_what_is_older_is_dropped_and_hidden(index: Index) -> None:
    index.write(
        Segment(
            1,
            1,
            (
                fault(1, received=SEPTEMBER, vm_rss_size="stray"),
                fault(2, received=OCTOBER),
                fault(3, received=OCTOBER + 1),
            ),
        )
    )
    index.drop_before(1, OCTOBER)
    assert selected(index, "timestamp.received") == [(OCTOBER,), (OCTOBER + 1,)]
    index.drop_before(1, OCTOBER + 1)
    index.drop_before(1, SEPTEMBER)
    assert selected(index, "timestamp.received") == [(OCTOBER + 1,)]
    index.write(Segment(1, 2, (fault(4, received=OCTOBER),)))
    assert counted(index) == 1


def test_projects_do_not_see_each_other(index: Index) -> None:
    index.write(Segment(1, 1, (fault(1),)))
    index.write(Segment(2, 1, (fault(2), fault(3))))
    index.put_groups(2, [IndexedGroup(fault(1).fingerprint, "g", {})], 4)
    assert (counted(index, 1), counted(index, 2)) == (1, 2)
    assert (index.groups_revision(1), index.groups_revision(2)) == (0, 4)
    index.clear(2)
    assert (counted(index, 1), counted(index, 2)) == (1, 0)
    assert (index.written(1), index.written(2)) == (1, 0)


def test_a_group_is_joined_as_it_is_now(index: Index) -> None:
    one, two, three = (fault(number) for number in (1, 2, 3))
    index.write(Segment(1, 1, (one, two, three)))
    index.put_groups(
        1,
        [
            IndexedGroup(one.fingerprint, "g", {"state": "open", "first_seen": 7}),
            IndexedGroup(two.fingerprint, "g", {"state": "open", "first_seen": 7}),
        ],
        1,
    )
    names = ("group", "group.state", "group.first_seen")
    assert selected(index, *names) == [
        ("g", "open", 7),
        ("g", "open", 7),
        (three.fingerprint, None, None),
    ]
    index.put_groups(1, [IndexedGroup(two.fingerprint, "h", {"state": "muted"})], 2)
    assert selected(index, *names)[:2] == [("g", "open", 7), ("h", "muted", None)]
    assert index.groups_revision(1) == 2


def test_an_attribute_that_is_asked_for_often_answers_the_same(index: Index) -> None:
    def write(number: int) -> None:
        faults = [
            fault(10 * number + n, received=month) for n, month in enumerate(months)
        ]
        for one in faults:
            one.attributes.update({NAME: f"v{one.sequence}", "x.count": one.sequence})
        index.write(Segment(1, number, tuple(faults)))

    months = (SEPTEMBER, OCTOBER, OCTOBER + 1)
    write(1)
    for _ in range(3):
        for _ in range(60):
            selected(index, NAME, "x.count")
        before = selected(index, NAME, "x.count")
        index.maintain(1)
        assert selected(index, NAME, "x.count") == before
    write(2)
    index.maintain(1)
    expected = [(f"v{n}", n) for n in (10, 11, 12, 20, 21, 22)]
    assert selected(index, NAME, "x.count") == expected
    index.drop_before(1, OCTOBER)
    assert len(selected(index, NAME)) == 4


def test_a_pattern_that_is_none_is_refused(index: Index) -> None:
    condition = Condition("hostname", Operator.REGULAR_EXPRESSION, "a(b")
    with pytest.raises(QueryError, match="not a regular expression"):
        index.query(1, Query(filter=condition), KNOWN)


def test_the_size_on_disk_is_known(index: Index) -> None:
    index.write(Segment(1, 1, tuple(fault(number) for number in range(1, 500))))
    assert 1_000 < index.disk_size(1) < 20_000_000
