"""What is found to be told, and what is not told twice."""

from __future__ import annotations

import pytest

from coresnap.model.notice import Event
from coresnap.store.api.groups import State
from coresnap.store.api.telling import RateOf
from coresnap.store.query.filter_words import parse_filter
from coresnap.store.telling import changed, detecting
from coresnap.store.telling.deliveries import log_of
from coresnap.store.telling.ruling import remove_rule, rule_statuses
from store.groups.world import bug
from store.telling.conftest import Telling


def queued(telling: Telling) -> list[tuple[str, str]]:
    with telling.world.state.read() as connection:
        found = log_of(connection, telling.project).deliveries
    return [(one.event.value, one.group) for one in reversed(found)]


def test_a_group_is_new_once_and_only_after_the_rule(telling: Telling) -> None:
    telling.world.note(0)
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.world.note(1)
    assert telling.look() == 1
    telling.world.note(1)
    assert telling.look() == 0
    assert queued(telling) == [("new-group", bug(1))]


def test_who_looks_twice_at_the_same_queues_nothing_twice(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    assert telling.look() == 1
    assert telling.look() == 0


def test_a_resolved_group_that_comes_back_is_a_regression(telling: Telling) -> None:
    telling.world.note(0, version="1.0")
    telling.rule(Event.REGRESSION)
    telling.world.change(0, state=State.RESOLVED)
    assert telling.look() == 0  # that is a change of state, and not asked for
    telling.world.note(0, version="2.0")
    assert telling.look() == 1
    assert queued(telling) == [("regression", bug(0))]


def test_states_and_merges_are_told_with_who_did_it(telling: Telling) -> None:
    telling.world.note(0)
    telling.world.note(1)
    telling.rule(Event.STATE, Event.MERGE)
    telling.world.change(0, assignee="ada")
    telling.world.merge(0, 1)
    assert telling.look() == 2
    assert queued(telling) == [("state", bug(0)), ("merge", bug(1))]
    telling.deliver()
    state, merge = telling.board.pinned
    assert (state.who, state.assignee) == ("kim", "ada")
    assert (merge.other, merge.why) == (bug(0), "the same")


def test_counts_are_told_when_they_are_reached(telling: Telling) -> None:
    telling.rule(count=3)
    for _ in range(2):
        telling.world.note(0)
    assert telling.look() == 0
    telling.world.note(0)
    assert telling.look() == 1
    telling.world.note(0)
    assert telling.look() == 0
    assert queued(telling) == [("count", bug(0))]


def test_hosts_are_counted_and_not_faults(telling: Telling) -> None:
    telling.rule(hosts=2)
    for _ in range(5):
        telling.world.note(0, hostname="db1")
    assert telling.look() == 0
    telling.world.note(0, hostname="db2")
    assert telling.look() == 1
    assert queued(telling) == [("hosts", bug(0))]


def test_a_rate_is_told_again_after_its_time(telling: Telling) -> None:
    telling.rule(rate=RateOf(3, 60))
    for _ in range(3):
        telling.world.note(0)
    assert telling.look() == 1
    telling.world.note(0)
    assert telling.look() == 0  # its time is not over
    telling.world.now += 200
    telling.world.note(0)
    assert telling.look() == 0  # one in a minute is not three
    telling.world.note(0)
    telling.world.note(0)
    assert telling.look() == 1
    assert queued(telling) == [("rate", bug(0))] * 2


def test_a_filter_leaves_out_groups_until_a_fault_passes(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP, filter=parse_filter("hostname=db1"))
    telling.world.note(0, hostname="web1")
    assert telling.look() == 0
    telling.world.note(0, hostname="db1")
    assert telling.look() == 1


def test_a_filter_that_cannot_be_asked_is_said_and_stops_no_other(
    telling: Telling,
) -> None:
    telling.rule(Event.NEW_GROUP, name="a", filter=parse_filter("no.such=1"))
    telling.rule(Event.NEW_GROUP, name="b")
    telling.world.note(0)
    assert telling.look() == 1
    with telling.world.state.read() as connection:
        wrong, right = rule_statuses(connection, telling.project)
    assert "no.such" in wrong.error
    assert (right.error, right.told) == ("", 1)


def test_two_rules_tell_one_channel_once(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP, name="a")
    telling.rule(Event.NEW_GROUP, name="b", count=1)
    telling.world.note(0)
    assert telling.look() == 1
    assert queued(telling) == [("new-group", bug(0))]


def test_what_was_told_is_followed_without_being_asked_for(telling: Telling) -> None:
    telling.channel("other")
    telling.rule(Event.NEW_GROUP)
    telling.rule(Event.NEW_GROUP, name="deaf", channel="other", follows=False)
    telling.world.note(0)
    telling.look()
    telling.deliver()
    telling.deliver("other")
    telling.world.change(0, assignee="ada")
    assert telling.look() == 1
    assert queued(telling)[-1] == ("state", bug(0))


def test_a_channel_that_takes_nothing_is_not_given_more_and_more(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detecting, "MOST_WAITING", 3)
    telling.rule(Event.NEW_GROUP)
    for kind in range(5):
        telling.world.note(kind)
    assert telling.look() == 3
    telling.deliver()
    telling.world.note(4)
    assert telling.look() == 1  # it was not told, so it still is new
    assert queued(telling)[-1] == ("new-group", bug(4))


def test_more_groups_than_one_look_takes_are_all_told(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed, "BATCH", 2)
    telling.rule(Event.NEW_GROUP)
    for kind in range(5):
        telling.world.note(kind)
    looks = [telling.look() for _ in range(6)]
    assert sum(looks) == 5
    assert max(looks) <= 2


def test_a_rule_that_was_removed_tells_nothing_more(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.look()
    with telling.world.state.write() as connection:
        remove_rule(connection, telling.project, "rule")
    telling.world.note(1)
    assert telling.look() == 0
    assert telling.deliver() == 1
    assert telling.board.pinned == []


def test_what_happened_while_there_was_no_rule_is_told_to_nobody(
    telling: Telling,
) -> None:
    telling.rule(Event.NEW_GROUP, Event.STATE)
    with telling.world.state.write() as connection:
        remove_rule(connection, telling.project, "rule")
    telling.world.note(0)
    telling.world.change(0, assignee="ada")
    telling.rule(Event.NEW_GROUP, Event.STATE)
    assert telling.look() == 0


def test_all_that_changed_is_looked_at_in_the_time_there_is(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed, "BATCH", 2)
    telling.rule(Event.NEW_GROUP)
    for kind in range(5):
        telling.world.note(kind)
    assert detecting.detect_all(telling.store(), telling.project, 60) == 5


def test_merged_groups_do_not_stop_the_look(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed, "BATCH", 2)
    telling.rule(Event.NEW_GROUP, follows=False)
    for kind in range(3):
        telling.world.note(kind)
    telling.world.merge(2, 0, 1)
    assert telling.look() == 1  # the whole is new, its parts are not told
    telling.world.note(3)
    while telling.look():
        pass
    assert queued(telling) == [("new-group", bug(2)), ("new-group", bug(3))]
