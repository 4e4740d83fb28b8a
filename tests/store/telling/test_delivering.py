"""Deliveries: in order, once, again after failures, and what comes back."""

from __future__ import annotations

import pytest

from coresnap.errors import DeliveryError
from coresnap.model.notice import Change, Event, Ticket
from coresnap.store.api.groups import State
from coresnap.store.api.telling import Delivery
from coresnap.store.telling.configured import channel_statuses, set_channel
from coresnap.store.telling.deliveries import log_of, retry
from coresnap.store.telling.following import queue_updates
from store.groups.world import bug
from store.telling.channels import SECRET, Board
from store.telling.conftest import CHANNEL, Telling


def log(telling: Telling) -> list[Delivery]:
    """All deliveries, the oldest first."""
    with telling.world.state.read() as connection:
        return list(reversed(log_of(connection, telling.project).deliveries))


def told(telling: Telling) -> None:
    """Tell of one new group."""
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0, hostname="db1", version="1.0", application="simple")
    assert telling.look() == 1
    assert telling.deliver() == 1


def test_a_notice_says_what_the_store_knows_of_the_group(telling: Telling) -> None:
    told(telling)
    (notice,) = telling.board.pinned
    assert (notice.event, notice.group, notice.count) == ("new-group", bug(0), 1)
    assert (notice.hosts, notice.versions) == (1, ("1.0",))
    assert notice.attributes["hostname"] == (("db1", 1),)
    assert notice.callstack
    assert len(notice.object) == 32
    assert notice.url == (
        f"https://crashes.example/{telling.project.universe}/"
        f"{telling.project.name}/groups/{bug(0)}"
    )


def test_the_channel_is_given_what_it_remembered(telling: Telling) -> None:
    told(telling)
    telling.world.change(0, assignee="ada")
    telling.look()
    telling.deliver()
    assert telling.board.remembered == [{}, {"pin": "1"}]


def test_a_failure_is_tried_again_later_and_the_log_tells_both(
    telling: Telling,
) -> None:
    telling.board.failures = [DeliveryError(f"the hall is closed to {SECRET}")]
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.look()
    assert telling.deliver() == 0
    (waiting,) = log(telling)
    assert (waiting.state, waiting.tries) == ("waiting", 1)
    assert waiting.error == "the hall is closed to (secret)"
    assert telling.deliver() == 0  # it is too early
    telling.now += 60
    assert telling.deliver() == 1
    (done,) = log(telling)
    assert (done.state, done.tries, done.error) == ("delivered", 2, "")
    assert done.line == "pinned with (secret)"
    assert telling.board.told == [("new-group", bug(0))]


def test_what_the_other_side_asks_to_wait_is_waited(telling: Telling) -> None:
    telling.board.failures = [DeliveryError("too many", retry_after=500)]
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.look()
    telling.deliver()
    telling.now += 400
    assert telling.deliver() == 0
    telling.now += 200
    assert telling.deliver() == 1


def test_a_final_failure_is_not_tried_again_until_somebody_asks(
    telling: Telling,
) -> None:
    telling.board.failures = [DeliveryError("no such hall", is_final=True)]
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.look()
    telling.deliver()
    telling.now += 10_000
    assert telling.deliver() == 0
    (failed,) = log(telling)
    assert (failed.state, failed.error) == ("failed", "no such hall")
    with telling.world.state.write() as connection:
        retry(connection, telling.project, str(failed.id))
    assert telling.deliver() == 1
    assert log(telling)[0].state == "delivered"


def test_a_channel_with_a_mistake_stops_nothing_else(telling: Telling) -> None:
    telling.board.failures = [ValueError("oops")]
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.look()
    assert telling.deliver() == 0
    assert log(telling)[0].error == "ValueError: oops"


def test_days_of_failures_end(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.look()
    telling.now = telling.world.now + 4 * 86_400
    telling.board.failures = [DeliveryError("closed")]
    telling.deliver()
    assert log(telling)[0].state == "failed"


def test_of_one_group_things_are_told_in_their_order(telling: Telling) -> None:
    telling.rule(Event.NEW_GROUP)
    telling.world.note(0)
    telling.look()
    telling.board.failures = [DeliveryError("closed", retry_after=1)]
    telling.deliver()
    telling.rule(Event.STATE, name="states")
    telling.world.change(0, assignee="ada")
    telling.look()
    telling.now += 5  # the channel may be tried, the first delivery not yet
    telling.deliver()
    telling.now += 100
    telling.deliver()
    assert [event for event, _ in telling.board.told] == ["new-group", "state"]


def test_a_ticket_becomes_a_link_and_is_not_told_back(telling: Telling) -> None:
    telling.board.ticket = Ticket("NET-17", "https://jira.example/NET-17")
    told(telling)
    group = telling.world.group(0)
    assert group.links[0].name == "NET-17"
    assert group.state == State.IN_PROGRESS
    assert {entry.who for entry in group.history} == {f"integration/{CHANNEL}"}
    assert telling.look() == 0


def test_what_was_done_there_is_done_here_and_told_to_others_alone(
    telling: Telling,
) -> None:
    telling.channel("other")
    told(telling)
    telling.rule(Event.STATE, name="others", channel="other")
    telling.rule(Event.STATE, name="own")
    change = Change(
        bug(0),
        "Ada",
        "NET-17 is Done",
        state="resolved",
        next_version=True,
        memory={"pin": "9"},
    )
    telling.board.waiting = [change]
    telling.now += 100
    telling.deliver()
    group = telling.world.group(0)
    assert group.state == State.RESOLVED
    last = group.history[-1]
    assert (last.who, last.why) == ("integration/hall", "NET-17 is Done (Ada)")
    assert telling.look() == 1
    telling.deliver("other")
    assert log(telling)[-1].channel == "other"
    assert telling.board.pinned[-1].state == "resolved"


def test_what_makes_no_sense_here_changes_nothing_and_raises_nothing(
    telling: Telling,
) -> None:
    told(telling)
    telling.board.waiting = [
        Change("f" * 64, "Ada", "gone", state="resolved"),
        Change(bug(0), "Ada", "what", state="sleeping"),
        Change(bug(0), "Ada", "done", state="resolved", fixed_in=("2.0", "?")),
    ]
    telling.now += 100
    telling.deliver()
    group = telling.world.group(0)
    assert group.state == State.RESOLVED
    telling.world.note(0, version="1.0")
    assert telling.world.group(0).state == State.RESOLVED
    telling.world.note(0, version="2.0")
    assert telling.world.group(0).state == State.OPEN


def test_counts_that_doubled_are_told_once_in_a_while(telling: Telling) -> None:
    told(telling)
    store = telling.store()
    for _ in range(3):
        telling.world.note(0)
    now = int(telling.now)
    assert queue_updates(store, telling.project, now) == 0  # it is too early
    assert queue_updates(store, telling.project, now + 61) == 1
    assert queue_updates(store, telling.project, now + 61) == 0
    telling.deliver()
    assert telling.board.pinned[-1].event == "update"
    assert telling.board.pinned[-1].count == 4


def test_secrets_stay_when_the_rest_is_set_and_are_not_listed(
    telling: Telling,
) -> None:
    from coresnap.store.api.telling import NewChannel

    ways = Board().ways()
    with telling.world.state.write() as connection:
        wanted = NewChannel("board", {"place": "cellar"})
        set_channel(connection, telling.project, CHANNEL, wanted, ways)
        (status,) = channel_statuses(connection, telling.project, ways)
    assert status.settings == {"place": "cellar"}
    assert status.secrets == ("token",)


@pytest.mark.parametrize("word", ["0", "x", "9" * 40])
def test_only_a_delivery_can_be_tried_again(telling: Telling, word: str) -> None:
    from coresnap.errors import MissingError

    with telling.world.state.write() as connection, pytest.raises(MissingError):
        retry(connection, telling.project, word)
