"""The store's loops and Jira's channel together, on a stateful Data Center."""

from __future__ import annotations

import ipaddress
import time

import pytest

from coresnap.integrations.channels import KINDS, open_channel
from coresnap.integrations.reach import Reach
from coresnap.model.notice import Event
from coresnap.store.api.groups import State
from coresnap.store.api.telling import ChannelKind, ChannelSetting, NewChannel
from coresnap.store.telling.configured import set_channel
from coresnap.store.telling.delivering import Delivering
from coresnap.store.telling.ways import Ways
from integrations.jira.conftest import data_center  # noqa: F401 - a fixture
from integrations.jira.data_center import DataCenterProcess
from store.telling.conftest import Telling

TICKETS = "tickets"
ENDS = ("inwardIssue", "outwardIssue")
REACH = Reach(allowed=(ipaddress.IPv4Network("127.0.0.1/32"),))
JIRA = KINDS["jira"]
WAYS = Ways(
    {
        "jira": ChannelKind(
            JIRA.name,
            JIRA.title,
            tuple(
                ChannelSetting(s.name, s.meaning, s.is_secret, s.is_required, s.default)
                for s in JIRA.settings
            ),
        )
    },
    lambda kind, settings: open_channel(kind, settings, REACH),
    "https://crashes.example",
)


@pytest.fixture
def jira(telling: Telling, data_center: DataCenterProcess) -> DataCenterProcess:  # noqa: F811
    """A channel to it, with a rule."""
    settings = {
        "url": data_center.url,
        "project": data_center.project,
        "token": "secret",
    }
    # Each test has the same project and groups, and so the same tickets.
    for key in data_center.keys("coresnap"):
        data_center.delete(key)
    wanted = NewChannel("jira", settings)
    with telling.world.state.write() as connection:
        set_channel(connection, telling.project, TICKETS, wanted, WAYS)
    events = (Event.NEW_GROUP, Event.REGRESSION, Event.STATE)
    telling.rule(*events, channel=TICKETS)
    return data_center


def turn(telling: Telling) -> int:
    """Let the server look, tell and ask, a good while later."""
    telling.look()
    # Jira is asked for what changed in the last minutes, by the real clock.
    telling.now = max(telling.now + 600, time.time())
    store, project = telling.store(), telling.project
    return Delivering(store, project, TICKETS, WAYS, telling._tick).run()


def crash(telling: Telling, version: str) -> None:
    telling.world.note(0, version=version, application="simple", hostname="db1")


def ticket_of(telling: Telling) -> str:
    (link,) = telling.world.group().links
    return link.name


def status(jira: DataCenterProcess, key: str) -> str:
    name: str = jira.issue(key)["fields"]["status"]["name"]
    return name


def test_a_crash_its_ticket_its_repair_and_its_regression(
    telling: Telling, jira: DataCenterProcess
) -> None:
    crash(telling, "1.0")
    assert turn(telling) == 1
    key = ticket_of(telling)
    assert telling.world.group().state is State.IN_PROGRESS
    assert status(jira, key) == "Open"

    jira.move(key, "Done")
    turn(telling)
    assert telling.world.group().state is State.RESOLVED
    crash(telling, "1.0")  # the repair is not shipped yet
    turn(telling)
    assert telling.world.group().state is State.RESOLVED
    assert status(jira, key) == "Done"
    assert jira.comments(key) == []  # nobody is told what they did themselves

    crash(telling, "2.0")
    assert turn(telling) == 1
    assert status(jira, key) == "Open"
    (comment,) = jira.comments(key)
    assert "2.0" in comment
    turn(telling)
    assert telling.world.group().state is not State.RESOLVED

    telling.world.change(0, state=State.RESOLVED, reason="fixed in 2.1")
    assert turn(telling) == 1
    assert status(jira, key) == "Done"
    assert any("kim: fixed in 2.1" in comment for comment in jira.comments(key))


def test_groups_that_become_one_have_tickets_that_say_so(
    telling: Telling, jira: DataCenterProcess
) -> None:
    for kind in (0, 1):
        telling.world.note(kind, version="1.0", application="simple")
    assert turn(telling) + turn(telling) == 2  # with the channel's pace between them
    (whole,), (part,) = (telling.world.group(kind).links for kind in (0, 1))
    telling.world.merge(0, 1)
    assert turn(telling) == 1
    (link,) = jira.issue(part.name)["fields"]["issuelinks"]
    assert whole.name in (link.get(end, {}).get("key") for end in ENDS)
    assert whole.name in jira.comments(part.name)[0]
    assert part.name in jira.comments(whole.name)[0]
    jira.move(part.name, "Done")  # which says nothing of the rest
    turn(telling)
    assert telling.world.group().state is State.IN_PROGRESS
    jira.move(whole.name, "Done")
    turn(telling)
    assert telling.world.group().state is State.RESOLVED
