"""Slack as a channel, against a workspace that answers as Slack is documented to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from werkzeug import Response

from coresnap.errors import ConfigError, DeliveryError
from coresnap.integrations.channels import open_channel
from coresnap.integrations.slack.blocks import escaped, message_of
from coresnap.integrations.wording import worded
from coresnap.model.notice import Channel, Event
from integrations.slack.workspace import CHANNEL, TOKEN, Workspace
from integrations.telling import HOSTILE, OWN, digest, hostile_notice, notice


@pytest.fixture
def workspace(httpserver: HTTPServer) -> Workspace:
    return Workspace(httpserver)


@pytest.fixture
def bot(workspace: Workspace) -> Iterator[Channel]:
    channel = _bot(workspace)
    yield channel
    channel.close()


@pytest.fixture
def hook(workspace: Workspace) -> Iterator[Channel]:
    channel = open_channel("slack", {"webhook": workspace.hook}, OWN)
    yield channel
    channel.close()


def _bot(workspace: Workspace, **settings: str) -> Channel:
    given = {"token": TOKEN, "channel": CHANNEL, "api": workspace.api}
    return open_channel("slack", {**given, **settings}, OWN)


def _texts(block: Any) -> Iterator[str]:  # noqa: ANN401 - any part of JSON
    if isinstance(block, dict):
        for key, value in block.items():
            if key == "text" and isinstance(value, str):
                yield value
            yield from _texts(value)
    elif isinstance(block, list):
        for part in block:
            yield from _texts(part)


def test_a_group_is_one_message_that_grows(workspace: Workspace, bot: Channel) -> None:
    memory = bot.deliver(notice(), {}).memory
    for count in (2000, 3000):
        told = bot.deliver(notice(Event.UPDATE, count=count), memory)
        memory = told.memory
    assert told.line == f"changed the message in {CHANNEL}"
    ((ts, message),) = workspace.messages.items()
    assert memory == {"for": CHANNEL, "channel": CHANNEL, "ts": ts}
    assert "3,000 on 9 hosts" in list(_texts(message["blocks"]))
    assert workspace.calls == ["chat.postMessage", "chat.update", "chat.update"]


@pytest.mark.parametrize(
    ("event", "is_loud"),
    [
        (Event.COUNT, False),
        (Event.HOSTS, False),
        (Event.STATE, False),
        (Event.MERGE, False),
        (Event.RATE, True),
        (Event.REGRESSION, True),
    ],
)
def test_what_happens_later_is_told_in_the_thread(
    workspace: Workspace, bot: Channel, event: Event, is_loud: bool
) -> None:
    memory = bot.deliver(notice(), {}).memory
    after = bot.deliver(notice(event, why="2.1.0 is greater than 2.0.1"), memory)
    assert after.memory == memory
    (reply,) = workspace.thread(memory["ts"])
    assert reply["reply_broadcast"] is is_loud
    assert any("2.1.0 is greater" in text for text in _texts(reply["blocks"]))


def test_a_message_that_was_deleted_is_posted_again(
    workspace: Workspace, bot: Channel
) -> None:
    memory = bot.deliver(notice(), {}).memory
    workspace.messages.clear()
    after = bot.deliver(notice(Event.UPDATE, count=9), memory)
    assert list(workspace.messages) == [after.memory["ts"]]


def test_another_channel_begins_a_message_of_its_own(
    workspace: Workspace, bot: Channel
) -> None:
    memory = bot.deliver(notice(), {}).memory
    other = _bot(workspace, channel="#crashes")
    after = other.deliver(notice(Event.UPDATE), memory)
    other.close()
    assert after.memory["for"] == "#crashes"
    assert after.memory["channel"] == CHANNEL  # a message is changed by the id
    assert len(workspace.messages) == 2


def test_the_button_is_a_link_to_the_group(workspace: Workspace, bot: Channel) -> None:
    bot.deliver(notice(), {})
    (message,) = workspace.messages.values()
    (actions,) = [b for b in message["blocks"] if b["type"] == "actions"]
    assert actions["elements"][0]["url"] == notice().url


def test_without_an_address_of_the_console_there_is_no_button(
    workspace: Workspace, bot: Channel
) -> None:
    bot.deliver(notice(url=""), {})
    (message,) = workspace.messages.values()
    assert all(block["type"] != "actions" for block in message["blocks"])


@pytest.mark.parametrize("event", [e for e in Event if e is not Event.DIGEST])
def test_hostile_texts_are_only_text(
    workspace: Workspace, bot: Channel, hook: Channel, event: Event
) -> None:
    memory = bot.deliver(notice(), {}).memory
    bot.deliver(hostile_notice(event), memory)
    bot.deliver(hostile_notice(event), {})
    hook.deliver(hostile_notice(event), {})
    for message in workspace.messages.values():
        # A text object: control characters of Slack are escaped.
        assert "<" not in message["text"]
        assert message["parse"] == "none"
        for block in message["blocks"]:
            if block["type"] != "rich_text":
                assert all("<" not in text for text in _texts(block))
        # Everything is visible, whichever element it is in.
        whole = json.dumps(message, ensure_ascii=False)
        assert not any(c in whole for c in "\x1b\x00\u202e\u200b\udcff")
        assert len(whole) < 60_000


def test_no_text_of_the_process_is_in_an_element_that_has_markup() -> None:
    message = message_of(worded(hostile_notice()))
    kinds = {k for b in message["blocks"] for k in _kinds(b)}
    assert "mrkdwn" not in kinds
    assert kinds & {"link", "user", "usergroup", "broadcast", "emoji"} == set()


def _kinds(block: Any) -> Iterator[str]:  # noqa: ANN401 - any part of JSON
    if isinstance(block, dict):
        yield str(block.get("type"))
        for value in block.values():
            yield from _kinds(value)
    elif isinstance(block, list):
        for part in block:
            yield from _kinds(part)


def test_escaping_is_cut_between_characters_and_never_within() -> None:
    assert escaped("<!channel> & co") == "&lt;!channel&gt; &amp; co"
    assert escaped("&" * 100, 14) == "&amp;&amp;…"
    assert len(escaped(HOSTILE * 100, 150)) <= 150


def test_too_much_is_answered_by_when_to_come_again(
    workspace: Workspace, bot: Channel
) -> None:
    workspace.answers.append(Response("", 429, {"retry-after": "30"}))
    with pytest.raises(DeliveryError) as raised:
        bot.deliver(notice(), {})
    assert raised.value.retry_after == 30.0
    assert not raised.value.is_final
    assert bot.deliver(notice(), {}).memory["ts"]  # the same notice, later


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        ("invalid_auth", True),
        ("channel_not_found", True),
        ("is_archived", True),
        ("missing_scope", True),
        ("invalid_blocks", True),
        ("internal_error", False),
        ("ratelimited", False),
        ("service_unavailable", False),
    ],
)
def test_a_refusal_says_whether_time_repairs_it(
    workspace: Workspace, bot: Channel, error: str, is_final: bool
) -> None:
    workspace.error["chat.postMessage"] = error
    with pytest.raises(DeliveryError, match=error) as raised:
        bot.deliver(notice(), {})
    assert raised.value.is_final == is_final


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_outage_passes(workspace: Workspace, bot: Channel, status: int) -> None:
    workspace.answers.append(Response("<html>down", status))
    with pytest.raises(DeliveryError, match=str(status)) as raised:
        bot.deliver(notice(), {})
    assert not raised.value.is_final


def test_a_page_instead_of_an_answer_is_no_answer(
    workspace: Workspace, bot: Channel
) -> None:
    workspace.answers.append(Response("<html>please log in", 200))
    with pytest.raises(DeliveryError, match="is not Slack's"):
        bot.deliver(notice(), {})


def test_a_reply_that_failed_is_told_by_the_next_try_and_the_message_is_one(
    workspace: Workspace, bot: Channel
) -> None:
    memory = bot.deliver(notice(), {}).memory
    workspace.error["chat.postMessage"] = "internal_error"
    with pytest.raises(DeliveryError):
        bot.deliver(notice(Event.REGRESSION), memory)
    workspace.error.clear()
    bot.deliver(notice(Event.REGRESSION), memory)
    assert len(workspace.thread(memory["ts"])) == 1
    assert len(workspace.messages) == 2


def test_a_test_says_who_posts(workspace: Workspace, bot: Channel) -> None:
    told = bot.deliver(notice(Event.TEST, group=""), {})
    assert told.line == f"posted to {CHANNEL} as coresnap of Example"
    assert len(workspace.messages) == 1


def test_a_digest_is_a_message_of_its_own(workspace: Workspace, bot: Channel) -> None:
    assert bot.deliver(digest(), {"a": "b"}).memory == {"a": "b"}
    bot.deliver(digest(HOSTILE), {})
    plain, hostile = workspace.messages.values()
    assert any(text.endswith("… 10 more") for text in _texts(plain["blocks"]))
    assert any(text.endswith("\n…") for text in _texts(hostile["blocks"]))


def test_a_webhook_adds_and_is_silent_about_growth(
    workspace: Workspace, hook: Channel
) -> None:
    hook.deliver(notice(), {})
    told = hook.deliver(notice(Event.UPDATE), {})
    assert "cannot change" in told.line
    assert workspace.calls == ["webhook"]


@pytest.mark.parametrize(
    ("status", "text", "is_final"),
    [
        (400, "invalid_payload", True),
        (403, "action_prohibited", True),
        (404, "no_service", True),
        (410, "channel_is_archived", True),
        (500, "rollup_error", False),
        (429, "", False),
    ],
)
def test_what_a_webhook_refuses(
    workspace: Workspace, hook: Channel, status: int, text: str, is_final: bool
) -> None:
    workspace.answers.append(Response(text, status))
    with pytest.raises(DeliveryError) as raised:
        hook.deliver(notice(), {})
    assert raised.value.is_final == is_final
    assert (text if is_final else str(status)) in str(raised.value)


def test_what_else_a_webhooks_address_serves_is_not_shown(
    workspace: Workspace, hook: Channel
) -> None:
    workspace.answers.append(Response("AccessKeyId: hidden", 403))
    with pytest.raises(DeliveryError, match="403") as raised:
        hook.deliver(notice(), {})
    assert "hidden" not in str(raised.value)


def test_previews_send_nothing_and_have_no_secret(
    workspace: Workspace, bot: Channel, hook: Channel
) -> None:
    known = {"for": CHANNEL, "channel": CHANNEL, "ts": "1.2"}
    texts = [
        bot.preview(notice(), {}),
        bot.preview(notice(Event.UPDATE), known),
        bot.preview(notice(Event.REGRESSION), known),
        hook.preview(notice(), {}),
    ]
    assert workspace.calls == []
    assert "its thread and the channel" in texts[2]
    for text in texts:
        assert "parse_header read 8 bytes" in text
        assert TOKEN not in text
        assert "/services/" not in text


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"token": TOKEN, "channel": CHANNEL, "webhook": "https://hooks.slack.com/x"},
        {"token": TOKEN},
        {"token": "nonsense", "channel": CHANNEL},
        {"token": TOKEN, "channel": "<!channel>"},
        {"token": f"{TOKEN}\r\nx: y", "channel": CHANNEL},
        {"webhook": "hooks.slack.com"},
        {"webhook": "https://hooks.slack.com/x", "wobhook": "1"},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        open_channel("slack", settings, OWN)
    assert raised.value.remedy
    assert TOKEN not in str(raised.value)


def test_slacks_own_client_finds_the_fake_to_be_a_workspace(
    workspace: Workspace,
) -> None:
    """The fake is no friend of ours: it answers as its maker's client expects."""
    client = WebClient(TOKEN, base_url=workspace.api + "/")
    assert client.auth_test()["user"] == "coresnap"
    posted = client.chat_postMessage(channel=CHANNEL, text="hello")
    client.chat_update(channel=CHANNEL, ts=posted["ts"], text="hello again")
    assert workspace.messages[posted["ts"]]["text"] == "hello again"
    for token, error in (("xoxb-wrong", "invalid_auth"), (None, "not_authed")):
        stranger = WebClient(token, base_url=workspace.api + "/")
        with pytest.raises(SlackApiError, match=error):
            stranger.chat_postMessage(channel=CHANNEL, text="hello")
