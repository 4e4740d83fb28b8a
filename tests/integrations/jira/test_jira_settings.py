"""Settings of a Jira channel: each mistake is found when it is opened."""

from __future__ import annotations

import pytest

from coresnap.errors import ConfigError
from coresnap.integrations.jira.answers import Category, Named, Status
from coresnap.integrations.jira.kind import JIRA
from coresnap.integrations.jira.settings import Edition, read_settings
from coresnap.integrations.jira.states import TicketState
from coresnap.integrations.reach import Reach

CLOUD = {
    "url": "https://example.atlassian.net/",
    "user": "bot@example.org",
    "token": "secret",
    "project": "NET",
}
CENTER = {"url": "https://jira.example.org/jira", "token": "secret", "project": "NET"}


def test_the_edition_follows_from_the_address() -> None:
    assert read_settings(CLOUD).edition is Edition.CLOUD
    assert read_settings(CENTER).edition is Edition.DATA_CENTER
    assert read_settings({**CENTER, "edition": "cloud", "user": "a@b"}).edition is (
        Edition.CLOUD
    )


def test_a_secret_is_not_in_what_is_printed() -> None:
    assert "secret" not in repr(read_settings(CLOUD))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"url": "ftp://example.org"}, "url: not an address"),
        ({"url": "https://me:pw@example.org"}, "url: not an address"),
        ({"url": "https://[broken"}, "url: not an address"),
        ({"user": ""}, "user is missing"),
        ({"token": " "}, "token is missing"),
        ({"project": "net"}, "project: net is no key"),
        ({"edition": "server"}, "edition: server is not one of cloud, data-center"),
        ({"regression": "ignore"}, "regression: ignore is not one of reopen"),
        ({"sync": "yes"}, "sync: yes is not one of"),
        ({"labels": "coresnap-1"}, "labels: coresnap-1"),
        ({"fields": "[]"}, "fields: not a JSON object"),
        ({"fields": "{"}, "fields: not a JSON object"),
        ({"fields": '{"summary": "x"}'}, "fields: summary has a setting of its own"),
        ({"people": "ada"}, "people: ada is no pair"),
        ({"resolved": "Done"}, "resolved: Done is no id"),
        ({"resolved": "1", "muted": "1"}, "1 is in two sets, resolved and muted"),
        ({"mute_days": "0"}, "mute_days: 0"),
        ({"mute_days": "9" * 5000}, "mute_days: 9999"),
    ],
)
def test_a_mistake_is_named(given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as wrong:
        read_settings({**CLOUD, **given})
    assert wrong.value.remedy


def test_the_kind_knows_the_settings_that_are_read() -> None:
    channel = JIRA.open({**CLOUD, "in_progress": "3", "link_type": "Blocks"}, Reach())
    assert channel.kind == "jira"
    channel.close()
    with pytest.raises(ConfigError, match="has no setting colour"):
        JIRA.open({**CLOUD, "colour": "red"}, Reach())


def test_what_no_set_names_goes_by_its_category() -> None:
    states = read_settings({**CLOUD, "muted": "5", "duplicate": "resolution:3"}).states
    done = Status("9", "Done", Category("done"))
    assert states.state_of(done, None) is TicketState.RESOLVED
    assert states.state_of(done, Named("3")) is TicketState.DUPLICATE
    assert states.state_of(Status("5", "Done", Category("done")), None) is (
        TicketState.MUTED
    )
    # Some workflows leave the resolution of a ticket that is opened again.
    again = Status("1", "Open", Category("new"))
    assert states.state_of(again, Named("3")) is TicketState.OPEN
    assert states.state_of(Status("2"), None) is TicketState.OPEN
