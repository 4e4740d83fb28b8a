"""Groups as tickets of a real, stateful Jira Data Center (jira820)."""

from __future__ import annotations

import time

import pytest

from coresnap.errors import DeliveryError
from coresnap.model.notice import Change, Channel, Event
from integrations.jira.conftest import Open
from integrations.jira.data_center import DataCenterProcess
from integrations.jira.notices import group_id, notice


def changes(
    channel: Channel, group: str, memory: dict[str, str] | object
) -> list[Change]:
    return list(channel.changes({group: memory}, int(time.time()) - 60))  # type: ignore[dict-item]


def test_a_new_group_becomes_one_ticket_that_says_all(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group = group_id("new")
    channel = channel_to(labels="crash urgent", summary="$title on $hostname")
    told = notice(Event.NEW_GROUP, group)
    delivered = channel.deliver(told, {})
    assert delivered.ticket is not None
    key = delivered.ticket.name
    assert delivered.line == f"{key} made"
    assert delivered.ticket.url == f"{data_center.url}/browse/{key}"
    fields = data_center.issue(key)["fields"]
    assert fields["summary"] == "server: parse_header ← read_request on web-1"
    assert {"coresnap", "crash", "urgent"} < set(fields["labels"])
    text = fields["description"]
    assert "Faults: 412 on 9 hosts" in text
    assert "{noformat}\nparse_header\nread_request\nmain\n{noformat}" in text
    assert "hostname: web-1 (400), web-2 (12)" in text
    assert "coroner get cf/blackhole 00000a1b" in text
    assert f"[{group[:16]}|{told.url}]" in text
    (link,) = data_center.remote_links(key)
    assert link["object"]["url"] == told.url


def test_a_second_try_finds_the_ticket_of_the_first(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    told = notice(Event.NEW_GROUP, group_id("twice"))
    first = channel_to().deliver(told, {})
    second = channel_to().deliver(told, {})
    assert first.ticket == second.ticket
    assert second.line.endswith("was there")
    assert second.memory == first.memory
    label = next(
        label
        for label in data_center.issue(first.memory["key"])["fields"]["labels"]
        if label.startswith("coresnap-")
    )
    assert data_center.keys(label) == [first.memory["key"]]


def test_two_projects_with_one_crash_have_tickets_of_their_own(
    channel_to: Open,
) -> None:
    group, channel = group_id("shared"), channel_to()
    one = channel.deliver(notice(Event.NEW_GROUP, group), {})
    other = channel.deliver(notice(Event.NEW_GROUP, group, project="staging"), {})
    assert one.ticket != other.ticket


def test_a_clone_made_by_a_person_is_not_taken_for_the_ticket(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    told = notice(Event.NEW_GROUP, group_id("cloned"))
    key = channel_to().deliver(told, {}).memory["key"]
    labels = tuple(data_center.issue(key)["fields"]["labels"])
    # jira820 numbers its issues by a hash, so one of several has a greater id.
    clones = [data_center.make(f"Clone {n}", labels) for n in range(8)]
    ids = {k: int(data_center.issue(k)["id"]) for k in [key, *clones]}
    again = channel_to().deliver(told, {})
    assert again.memory["key"] == min(ids, key=lambda k: ids[k])


def test_growing_counts_change_a_link_and_say_nothing(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("growing"), channel_to()
    made = channel.deliver(notice(Event.NEW_GROUP, group), {})
    key = made.memory["key"]
    for count in (1_000, 2_000):
        channel.deliver(notice(Event.UPDATE, group, count=count), made.memory)
    assert data_center.comments(key) == []
    assert len(data_center.remote_links(key)) == 1
    told = notice(Event.COUNT, group, count=10_000, why="10,000 faults")
    for _ in range(2):
        channel.deliver(told, made.memory)
    (comment,) = data_center.comments(key)
    assert comment.startswith("The crash was seen 10,000 times: 10,000 faults")
    assert f"notice {told.id}" in comment


def test_done_means_resolved_in_the_next_version_and_is_told_once(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("done"), channel_to()
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    assert changes(channel, group, memory) == []
    data_center.move(memory["key"], "Done")
    (change,) = changes(channel, group, memory)
    assert (change.group, change.state, change.next_version) == (
        group,
        "resolved",
        True,
    )
    assert change.why == f"{memory['key']} is Done (Done)"
    assert change.who == "Administrator"
    assert change.memory is not None
    assert changes(channel, group, change.memory) == []


def test_cancelled_mutes_for_a_time(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("cancelled"), channel_to(mute_days="7")
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    data_center.move(memory["key"], "Cancelled")
    (change,) = changes(channel, group, memory)
    assert change.state == "muted"
    assert 6 * 86_400 < change.muted_until - time.time() <= 7 * 86_400


def test_a_regression_opens_the_ticket_again_and_says_why(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("regression"), channel_to()
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    key = memory["key"]
    data_center.move(key, "Done")
    (change,) = changes(channel, group, memory)
    back = notice(Event.REGRESSION, group, why="2.1.0 is after 2.0.2 (semver)")
    delivered = channel.deliver(back, change.memory or {})
    assert delivered.line == f"{key} reopened as Open"
    assert data_center.issue(key)["fields"]["status"]["name"] == "Open"
    (comment,) = data_center.comments(key)
    assert comment.startswith(
        "The crash was closed and is back: 2.1.0 is after 2.0.2 (semver)"
    )
    assert "So this ticket is opened again." in comment
    # Our own change is none of theirs, and a second try adds nothing.
    assert changes(channel, group, delivered.memory) == []
    again = channel.deliver(back, change.memory or {})
    assert again.memory == delivered.memory
    assert data_center.comments(key) == [comment]


@pytest.mark.parametrize(
    ("settings", "status"),
    [({"regression": "new"}, "Done"), ({}, "Cancelled"), ({}, "Archived")],
    ids=["by policy", "cancelled by people", "no way back"],
)
def test_a_regression_makes_a_linked_ticket_where_the_old_one_stays_closed(
    data_center: DataCenterProcess,
    channel_to: Open,
    settings: dict[str, str],
    status: str,
) -> None:
    group, channel = group_id(f"new after {status}"), channel_to(**settings)
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    old = memory["key"]
    if status == "Archived":
        data_center.move(old, "Done")
    data_center.move(old, status)
    back = notice(Event.REGRESSION, group, why="2.1.0 is after 2.0.2")
    delivered = channel.deliver(back, memory)
    new = delivered.memory["key"]
    assert new != old
    assert delivered.line == f"{new} made after {old}, linked"
    assert data_center.issue(old)["fields"]["status"]["name"] == status
    (link,) = data_center.issue(new)["fields"]["issuelinks"]
    assert link["type"]["name"] == "Relates"
    assert old in data_center.comments(new)[0]
    assert new in data_center.comments(old)[0]
    # Without memory, as after the loss of a database, the latest one is found; a second
    # try makes no third one.
    assert channel.deliver(back, memory).memory["key"] == new
    assert channel.deliver(notice(Event.COUNT, group), {}).memory["key"] == new
    assert len(data_center.comments(old)) == 1


def test_a_regression_only_comments_where_that_is_the_policy(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("comment"), channel_to(regression="comment")
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    data_center.move(memory["key"], "Done")
    channel.deliver(notice(Event.REGRESSION, group), memory)
    assert data_center.issue(memory["key"])["fields"]["status"]["name"] == "Done"
    assert len(data_center.comments(memory["key"])) == 1


def test_a_groups_state_and_assignee_are_set_in_its_ticket(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("state"), channel_to(people="ada=alovelace")
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    key = memory["key"]
    told = notice(
        Event.STATE,
        group,
        state="resolved",
        assignee="ada",
        who="bob",
        why="fixed in 2.1",
    )
    delivered = channel.deliver(told, memory)
    assert delivered.line == f"{key} moved to Done, assigned to ada"
    fields = data_center.issue(key)["fields"]
    assert fields["status"]["name"] == "Done"
    assert fields["resolution"]["name"] == "Done"
    assert fields["assignee"]["name"] == "alovelace"
    assert "bob: fixed in 2.1" in data_center.comments(key)[0]
    assert changes(channel, group, delivered.memory) == []
    data_center.assign(key, "grace")
    (change,) = changes(channel, group, delivered.memory)
    assert (change.state, change.assignee) == ("", "grace")


def test_what_goes_one_way_only_is_left_alone_in_the_other(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("one way"), channel_to(sync="none")
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    told = notice(Event.STATE, group, state="resolved", assignee="ada")
    channel.deliver(told, memory)
    fields = data_center.issue(memory["key"])["fields"]
    assert fields["status"]["name"] == "Open"
    assert fields["assignee"] is None
    data_center.move(memory["key"], "Done")
    assert changes(channel, group, memory) == []


def test_a_way_that_the_workflow_has_not_is_said(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("no way"), channel_to()
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    data_center.move(memory["key"], "Done")
    data_center.move(memory["key"], "Archived")
    (change,) = changes(channel, group, memory)
    opened = notice(Event.STATE, group, state="open")
    delivered = channel.deliver(opened, change.memory or {})
    assert delivered.line.endswith("its workflow has no way there")


def test_a_merge_comments_and_links_both_tickets(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    part, whole, channel = group_id("part"), group_id("whole"), channel_to()
    one = channel.deliver(notice(Event.NEW_GROUP, part), {}).memory
    other = channel.deliver(notice(Event.NEW_GROUP, whole), {}).memory
    told = notice(Event.MERGE, part, other=whole, who="bob", why="one frame differs")
    for _ in range(2):
        delivered = channel.deliver(told, one)
    assert len(data_center.issue(one["key"])["fields"]["issuelinks"]) == 1
    (comment,) = data_center.comments(one["key"])
    assert f"Its ticket is {other['key']}." in comment
    assert "one frame differs" in comment
    assert len(data_center.comments(other["key"])) == 1
    # What becomes of the part's ticket is nothing that the whole should follow.
    data_center.move(one["key"], "Done")
    assert changes(channel, part, delivered.memory) == []


def test_a_merge_into_a_group_without_a_ticket_keeps_the_one_there_is(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    part, whole, channel = group_id("only part"), group_id("bare"), channel_to()
    memory = channel.deliver(notice(Event.NEW_GROUP, part), {}).memory
    told = notice(Event.MERGE, part, other=whole)
    merged = channel.deliver(told, memory)
    assert channel.deliver(told, memory).memory == merged.memory
    assert len(data_center.comments(memory["key"])) == 1
    later = channel.deliver(notice(Event.COUNT, whole), {})
    assert later.memory["key"] == memory["key"]
    data_center.move(memory["key"], "Done")
    (change,) = changes(channel, part, merged.memory)
    assert change.state == "resolved"


def test_a_duplicate_leads_to_its_original(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("duplicate"), channel_to()
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    original = data_center.make("The server crashes")
    data_center.link("Duplicate", memory["key"], original)
    data_center.move(memory["key"], "Closed as duplicate")
    (change,) = changes(channel, group, memory)
    assert change.memory is not None
    assert change.memory["key"] == original
    assert change.state == "open"
    assert f"{memory['key']} is a duplicate of {original}" in change.why
    assert len(data_center.comments(original)) == 1
    data_center.move(original, "Done")
    (change,) = changes(channel, group, change.memory)
    assert change.state == "resolved"


def test_a_deleted_ticket_is_made_anew_when_there_is_something_to_tell(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("deleted"), channel_to()
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    data_center.delete(memory["key"])
    quiet = channel.deliver(notice(Event.STATE, group, state="resolved"), memory)
    assert quiet.line == "the group has no ticket"
    assert quiet.ticket is None
    again = channel.deliver(notice(Event.COUNT, group), memory)
    assert again.line.endswith("made")
    assert data_center.issue(again.memory["key"])["fields"]["summary"]


def test_hostile_texts_fit_and_are_texts(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    hostile = "[~admin] {code}!http://evil.example/x.png!\u202e|*h1. \x00" * 100
    huge = "{" * (1 << 20)
    told = notice(
        Event.NEW_GROUP,
        group_id("hostile"),
        title=hostile,
        summary=huge,
        callstack=(hostile, "{noformat}", huge) * 100,
        attributes={f"{hostile}{n}": ((huge, 1),) * 50 for n in range(100)},
    )
    key = channel_to().deliver(told, {}).memory["key"]
    fields = data_center.issue(key)["fields"]
    # What Data Center takes of one field, unless its administrator allows more.
    assert len(fields["description"]) <= 32_767
    assert len(fields["summary"]) <= 255
    assert fields["description"].count("{noformat}") % 2 == 0
    outside = "".join(fields["description"].split("{noformat}")[::2])
    assert "[~" not in outside
    assert "{" not in outside


def test_the_test_lists_statuses_with_ids_and_what_they_mean(
    channel_to: Open,
) -> None:
    test = notice(Event.TEST, "")
    line = channel_to().deliver(test, {}).line
    assert "Open (1: open)" in line
    assert "Cancelled (10003: muted)" in line
    with pytest.raises(DeliveryError, match="has no status 77; it has Open") as status:
        channel_to(resolved="77").deliver(test, {})
    assert status.value.is_final
    with pytest.raises(DeliveryError, match="has no type Crash"):
        channel_to(issue_type="Crash").deliver(test, {})


def test_what_jira_refuses_is_final_and_says_its_reason(channel_to: Open) -> None:
    channel = channel_to(project="NOPE")
    with pytest.raises(DeliveryError, match="Unknown project: NOPE") as refused:
        channel.deliver(notice(Event.NEW_GROUP, group_id("nope")), {})
    assert refused.value.is_final


def test_what_changed_is_found_on_whatever_page_it_stands(
    data_center: DataCenterProcess, channel_to: Open
) -> None:
    group, channel = group_id("pages"), channel_to()
    for number in range(120):
        data_center.make(f"Of another server {number}", ("coresnap",))
    memory = channel.deliver(notice(Event.NEW_GROUP, group), {}).memory
    data_center.move(memory["key"], "Done")
    (change,) = changes(channel, group, memory)
    assert change.state == "resolved"


def test_an_address_that_may_not_be_called_is_not(channel_to: Open) -> None:
    channel = channel_to(url="http://127.0.0.2:1")
    with pytest.raises(DeliveryError, match="may not be called") as refused:
        channel.deliver(notice(Event.NEW_GROUP, group_id("inside")), {})
    assert refused.value.is_final


def test_a_digest_has_no_ticket(channel_to: Open) -> None:
    with pytest.raises(DeliveryError, match="digest") as refused:
        channel_to().deliver(notice(Event.DIGEST, ""), {})
    assert refused.value.is_final
