"""Groups as tickets of Jira Cloud, by what Atlassian publishes of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from coresnap.errors import DeliveryError
from coresnap.integrations.jira.channel import JiraChannel
from coresnap.integrations.jira.settings import read_settings
from coresnap.model.notice import Change, Event
from integrations.jira.adf import text_of
from integrations.jira.cloud import CloudFake, answered, refusal
from integrations.jira.notices import group_id, notice

NOW = 1_790_000_000
GROUP = group_id("cloud")
NEW = notice(Event.NEW_GROUP, GROUP)


@pytest.fixture
def cloud() -> CloudFake:
    return CloudFake()


def channel_to(cloud: CloudFake, **settings: str) -> JiraChannel:
    necessary = {
        "url": "https://example.atlassian.net",
        "user": "bot@example.org",
        "token": "secret",
        "project": "NET",
        "muted": "10003 resolution:2",
        "duplicate": "resolution:3",
    }
    given = read_settings({**necessary, **settings})
    return JiraChannel(given, cloud.client(), now=lambda: NOW)


def changes(channel: JiraChannel, memory: Mapping[str, str]) -> list[Change]:
    return list(channel.changes({GROUP: memory}, NOW - 60))


def test_a_ticket_is_a_document(cloud: CloudFake) -> None:
    fields = json.dumps(
        {"components": [{"name": "Network"}], "customfield_10001": "$hostname: $$5"}
    )
    delivered = channel_to(cloud, fields=fields).deliver(NEW, {})
    assert delivered.line == "NET-1 made"
    made = cloud.issues["NET-1"]
    assert made["fields"]["components"] == [{"name": "Network"}]
    assert made["fields"]["customfield_10001"] == "web-1: $5"
    text = text_of(made["fields"]["description"])
    assert "Faults: 412 on 9 hosts" in text
    assert "parse_header\nread_request\nmain" in text
    (link,) = made["links"].values()
    assert link["object"]["url"] == NEW.url


def test_a_lost_answer_makes_no_second_ticket(cloud: CloudFake) -> None:
    cloud.loses, cloud.is_slow = "issue", True
    with pytest.raises(DeliveryError, match="no answer from Jira to a new") as lost:
        channel_to(cloud).deliver(NEW, {})
    # A new ticket is not found by its labels at once, so the next try waits.
    assert lost.value.retry_after is not None
    assert lost.value.retry_after >= 60
    assert not lost.value.is_final
    cloud.index()
    assert channel_to(cloud).deliver(NEW, {}).line == "NET-1 was there"
    assert len(cloud.issues) == 1


def test_the_latest_ticket_is_found_on_whatever_page_it_stands(
    cloud: CloudFake,
) -> None:
    channel = channel_to(cloud, regression="new")
    memory = channel.deliver(NEW, {}).memory
    for _ in range(4):
        cloud.move(memory["key"], "10002")
        memory = channel.deliver(notice(Event.REGRESSION, GROUP), memory).memory
    assert memory["key"] == "NET-5"
    assert channel.deliver(notice(Event.COUNT, GROUP), {}).memory["key"] == "NET-5"


def test_what_is_asked_too_often_is_tried_when_jira_says_so(cloud: CloudFake) -> None:
    cloud.failures = [refusal(429, retry_after="17")]
    with pytest.raises(DeliveryError, match="429") as busy:
        channel_to(cloud).deliver(NEW, {})
    assert (busy.value.retry_after, busy.value.is_final) == (17.0, False)


@pytest.mark.parametrize(
    ("status", "is_final"), [(401, True), (403, True), (500, False), (503, False)]
)
def test_whether_another_try_makes_sense_is_known(
    cloud: CloudFake, status: int, is_final: bool
) -> None:
    cloud.failures = [refusal(status)]
    with pytest.raises(DeliveryError) as refused:
        channel_to(cloud).deliver(NEW, {})
    assert refused.value.is_final is is_final


def test_an_answer_that_is_not_jiras_is_an_error(cloud: CloudFake) -> None:
    cloud.failures = [refusal(200)]
    with pytest.raises(DeliveryError, match="is not Jira's"):
        channel_to(cloud).deliver(NEW, {})
    cloud.failures = [refusal(302, location="https://evil.example")]
    with pytest.raises(DeliveryError, match="302"):
        channel_to(cloud).deliver(NEW, {})


def test_statuses_of_one_name_are_told_apart_by_id(cloud: CloudFake) -> None:
    channel = channel_to(cloud, resolved="10002", in_progress="10012")
    memory = channel.deliver(NEW, {}).memory
    cloud.move("NET-1", "10012")
    (change,) = changes(channel, memory)
    assert change.state == "in-progress"
    cloud.move("NET-1", "10002")
    (change,) = changes(channel, memory)
    assert change.state == "resolved"


@pytest.mark.parametrize(
    ("resolution", "state"), [("1", "resolved"), ("2", "muted"), ("3", "")]
)
def test_a_resolution_counts_more_than_a_status(
    cloud: CloudFake, resolution: str, state: str
) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    cloud.move("NET-1", "10002", resolution)
    (change,) = changes(channel, memory)
    assert change.state == state
    assert change.memory is not None
    assert changes(channel, change.memory) == []


def test_fix_versions_say_where_the_repair_is(cloud: CloudFake) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    cloud.move("NET-1", "10002", "1")
    (change,) = changes(channel, memory)
    assert (change.next_version, change.fixed_in) == (True, ())
    cloud.fix_in("NET-1", "1.9.9", "2.1.0")
    assert change.memory is not None
    (change,) = changes(channel, change.memory)
    assert change.fixed_in == ("1.9.9", "2.1.0")
    assert change.why == "NET-1 is Done (Fixed), fixed in 1.9.9, 2.1.0"
    assert change.who == "Bob Noyce"


def test_our_own_move_is_no_change_even_if_it_could_not_be_remembered(
    cloud: CloudFake,
) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    told = notice(Event.STATE, GROUP, state="resolved")
    channel.deliver(told, memory)  # and the server dies before it remembers
    assert cloud.issues["NET-1"]["fields"]["status"]["id"] == "10002"
    assert changes(channel, memory) == []
    cloud.move("NET-1", "10000", who="bot")  # a person who has the account's password
    cloud.move("NET-1", "3", who="bot")
    (change,) = changes(channel, memory)
    assert change.state == "in-progress"


def test_a_resolution_that_is_asked_for_is_given(cloud: CloudFake) -> None:
    allowed = [
        {"id": number, "name": name}
        for number, name in (("3", "Duplicate"), ("2", "Won't Do"), ("1", "Fixed"))
    ]
    screen: dict[str, Any] = {"required": True, "allowedValues": allowed}
    reviewer: dict[str, Any] = {"required": True}
    cloud.screens = {
        "10002": {"resolution": screen, "reviewer": reviewer},
        "10012": {"resolution": screen},
    }
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    told = notice(Event.STATE, GROUP, state="resolved")
    assert channel.deliver(told, memory).line == "NET-1 moved to Done"
    fields = cloud.issues["NET-1"]["fields"]
    assert fields["status"]["id"] == "10012"  # the other one asks for a reviewer
    assert fields["resolution"]["name"] == "Fixed"


def test_a_muted_group_is_said_where_jira_has_no_such_status(cloud: CloudFake) -> None:
    channel = channel_to(cloud, muted="", duplicate="")
    memory = channel.deliver(NEW, {}).memory
    told = notice(Event.STATE, GROUP, state="muted", who="ada", why="until 2.1")
    assert channel.deliver(told, memory).line == "NET-1 commented"
    assert cloud.issues["NET-1"]["fields"]["status"]["id"] == "10000"
    (comment,) = cloud.issues["NET-1"]["comments"]
    assert text_of(comment["body"]).startswith("The group is muted: ada: until 2.1")


@pytest.mark.parametrize(
    ("assignee", "account"),
    [
        ("ada@example.org", "5b10ac8d"),
        ("Bob Noyce", "5b10ac8e"),
        ("bob", "5b10ac8e"),
        ("stranger", None),
    ],
)
def test_an_assignee_is_an_account(
    cloud: CloudFake, assignee: str, account: str | None
) -> None:
    channel = channel_to(cloud, people="bob=5b10ac8e eve=gone")
    told = notice(Event.NEW_GROUP, GROUP, assignee=assignee)
    delivered = channel.deliver(told, {})
    assigned = cloud.issues["NET-1"]["fields"]["assignee"]
    assert (assigned and assigned["accountId"]) == account
    if account is None:
        assert "nobody in Jira is known as stranger" in delivered.line


def test_an_account_that_is_gone_does_not_stop_a_ticket(cloud: CloudFake) -> None:
    told = notice(Event.NEW_GROUP, GROUP, assignee="eve")
    delivered = channel_to(cloud, people="eve=gone").deliver(told, {})
    assert delivered.line == "NET-1 made, could not be assigned to eve"


def test_hostile_texts_are_texts(cloud: CloudFake) -> None:
    huge = "A" * (1 << 20)
    hostile = "<b>\x1b[31m\u202e[~admin] {code}\n@here\x00 https://evil.example"
    told = notice(
        Event.NEW_GROUP,
        GROUP,
        title=hostile,
        summary=huge,
        callstack=(hostile, huge) * 200,
        attributes={f"{hostile}{n}": ((huge, 1),) * 50 for n in range(100)},
        last_seen=1 << 62,
        first_seen=-(1 << 62),
    )
    channel_to(cloud).deliver(told, {})
    fields = cloud.issues["NET-1"]["fields"]
    assert "\\e[31m\\u202e" in fields["summary"]
    text = text_of(fields["description"])
    assert not set(text) & {"\x00", "\x1b", "\u202e"}
    assert "… " in text


def test_a_preview_asks_nobody_and_shows_no_secret(cloud: CloudFake) -> None:
    channel = channel_to(cloud)
    text = channel.preview(NEW, {})
    assert "A ticket in NET" in text
    assert "summary: Crash: server: parse_header" in text
    assert "    parse_header\n    read_request" in text
    memory = {"id": "10001", "key": "NET-1", "state": "open"}
    back = notice(Event.REGRESSION, GROUP, why="2.1 is after 2.0")
    assert "The crash was closed and is back: 2.1 is after 2.0" in channel.preview(
        back, memory
    )
    for event in Event:
        shown = channel.preview(notice(event, GROUP), memory)
        assert shown
        assert "secret" not in shown
    assert cloud.requests == []


def test_an_answer_without_an_end_is_refused(cloud: CloudFake) -> None:
    class Endless(httpx2.SyncByteStream):
        def __iter__(self) -> Any:  # noqa: ANN401 - an iterator
            while True:
                yield bytes(1 << 20)

    cloud.failures = [lambda: httpx2.Response(200, stream=Endless())]
    with pytest.raises(DeliveryError, match="has no end"):
        channel_to(cloud).deliver(NEW, {})


def test_what_people_did_is_not_lost_to_a_notice_that_comes_first(
    cloud: CloudFake,
) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    cloud.move("NET-1", "10002", "1")
    cloud.issues["NET-1"]["fields"]["assignee"] = {
        "accountId": "5b10ac8d",
        "displayName": "Ada Lovelace",
    }
    memory = channel.deliver(notice(Event.COUNT, GROUP), memory).memory
    (change,) = changes(channel, memory)
    assert (change.state, change.assignee) == ("resolved", "Ada Lovelace")


def test_a_second_try_of_a_regression_lets_the_next_done_be_heard(
    cloud: CloudFake,
) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    cloud.move("NET-1", "10002", "1")
    (change,) = changes(channel, memory)
    assert change.memory is not None
    back = notice(Event.REGRESSION, GROUP, why="2.1")
    channel.deliver(back, change.memory)  # and the server dies
    memory = channel.deliver(back, change.memory).memory
    assert len(cloud.issues["NET-1"]["comments"]) == 1
    cloud.move("NET-1", "10002", "1")
    (change,) = changes(channel, memory)
    assert change.state == "resolved"


def test_an_assignee_that_jira_chose_becomes_the_groups(cloud: CloudFake) -> None:
    channel = channel_to(cloud)
    cloud.default_assignee = "5b10ac8d"
    memory = channel.deliver(NEW, {}).memory
    (change,) = changes(channel, memory)
    assert (change.state, change.assignee) == ("", "ada@example.org")


def test_a_ticket_that_is_found_closed_after_a_loss_is_heard(cloud: CloudFake) -> None:
    channel = channel_to(cloud)
    channel.deliver(NEW, {})
    cloud.move("NET-1", "10002", "1")
    memory = channel.deliver(notice(Event.COUNT, GROUP), {}).memory
    (change,) = changes(channel, memory)
    assert change.state == "resolved"


def test_ids_of_any_form_mark_comments(cloud: CloudFake) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    for name in ("{1}", "{2}", "{1}"):
        told = notice(Event.COUNT, GROUP, id=name * 40)
        channel.deliver(told, memory)
    assert len(cloud.issues["NET-1"]["comments"]) == 2


@pytest.mark.parametrize(
    "made",
    [
        {"id": "1", "key": "../../admin"},
        {"id": "1/..", "key": "NET-1"},
        {"id": 1, "key": "NET-1"},
        {"key": "NET-1"},
        ["NET-1"],
    ],
)
def test_an_answer_that_jira_does_not_give_is_not_used(
    cloud: CloudFake, made: object
) -> None:
    nothing = {"issues": [], "isLast": True}
    cloud.failures = [answered(nothing), answered(made)]
    with pytest.raises(DeliveryError, match="a new ticket is not Jira's"):
        channel_to(cloud).deliver(NEW, {})


def test_a_group_that_stays_open_does_not_undo_what_people_closed(
    cloud: CloudFake,
) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    cloud.move("NET-1", "10002", "1")
    told = notice(Event.STATE, GROUP, state="in-progress", assignee="Bob Noyce")
    delivered = channel.deliver(told, memory)
    assert delivered.line.startswith("NET-1 moved by people, which is heard next")
    assert cloud.issues["NET-1"]["fields"]["status"]["id"] == "10002"
    (change,) = changes(channel, delivered.memory)
    assert change.state == "resolved"


def test_a_group_that_is_opened_again_opens_its_ticket(cloud: CloudFake) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    closed = notice(Event.STATE, GROUP, state="resolved")
    memory = channel.deliver(closed, memory).memory
    again = notice(Event.STATE, GROUP, state="open")
    assert channel.deliver(again, memory).line == "NET-1 moved to To Do"


def test_a_ticket_is_made_where_links_are_not_allowed(cloud: CloudFake) -> None:
    cloud.forbidden = ("remotelink", "issueLink")
    channel = channel_to(cloud, regression="new")
    delivered = channel.deliver(NEW, {})
    assert delivered.line.startswith("NET-1 made, no link to the group: Jira answered")
    cloud.move("NET-1", "10002", "1")
    back = notice(Event.REGRESSION, GROUP)
    delivered = channel.deliver(back, delivered.memory)
    assert delivered.line.startswith("NET-2 made after NET-1, not linked: Jira ans")
    (comment,) = cloud.issues["NET-1"]["comments"]
    assert "NET-2 is about it now" in text_of(comment["body"])


def test_a_kind_of_links_that_jira_has_not_is_said(cloud: CloudFake) -> None:
    channel = channel_to(cloud, regression="new", link_type="Follows")
    memory = channel.deliver(NEW, {}).memory
    cloud.move("NET-1", "10002", "1")
    line = channel.deliver(notice(Event.REGRESSION, GROUP), memory).line
    assert "no links of the kind Follows, but Relates, Duplicate, Blocks" in line


def test_a_search_that_is_behind_takes_nothing_back(cloud: CloudFake) -> None:
    channel = channel_to(cloud)
    memory = channel.deliver(NEW, {}).memory
    before = copy.deepcopy(cloud.issues["NET-1"])
    cloud.move("NET-1", "10002", "1")
    (change,) = changes(channel, memory)
    cloud.stale = {"NET-1": before}
    assert change.memory is not None
    assert changes(channel, change.memory) == []


def test_a_search_that_is_behind_does_not_hide_that_a_ticket_is_closed(
    cloud: CloudFake,
) -> None:
    channel = channel_to(cloud)
    channel.deliver(NEW, {})
    cloud.stale = {"NET-1": copy.deepcopy(cloud.issues["NET-1"])}
    cloud.move("NET-1", "10002", "1")
    delivered = channel.deliver(notice(Event.REGRESSION, GROUP), {})
    assert delivered.line == "NET-1 reopened as To Do"
