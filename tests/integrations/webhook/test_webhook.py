"""Webhooks, as a receiver sees them that checks by the standard's own library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from werkzeug import Request, Response

from coresnap.errors import ConfigError, DeliveryError
from coresnap.integrations.channels import open_channel
from coresnap.integrations.webhook.payload import Payload, PayloadData, PayloadGroup
from coresnap.integrations.webhook.signing import read_secret, signed
from coresnap.model.notice import Channel, Event
from integrations.telling import GROUP, HOSTILE, OWN, digest, hostile_notice, notice

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DOCUMENTATION = Path(__file__).parents[3] / "docs" / "integrations.md"


class Receiver:
    """Does a thing once per id, and only for who knows the secret."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/hook?key=hidden")
        self.seen: dict[str, Any] = {}
        self.requests = 0
        self.status = 204
        self.headers: dict[str, str] = {}
        server.expect_request("/hook", method="POST").respond_with_handler(self.take)

    def take(self, request: Request) -> Response:
        self.requests += 1
        try:
            data = Webhook(SECRET).verify(request.get_data(), dict(request.headers))
        except WebhookVerificationError as error:
            return Response(str(error), 401)
        if self.status < 300 or self.status == 500:
            self.seen.setdefault(request.headers["webhook-id"], data)
        return Response("inner words", self.status, self.headers)


@pytest.fixture
def receiver(httpserver: HTTPServer) -> Receiver:
    return Receiver(httpserver)


def open_hook(receiver: Receiver, secret: str = SECRET) -> Channel:
    return open_channel("webhook", {"url": receiver.url, "secret": secret}, OWN)


def test_what_is_posted_is_signed_and_says_what_the_notice_says(
    receiver: Receiver,
) -> None:
    channel = open_hook(receiver)
    delivered = channel.deliver(notice(), {"a": "b"})
    channel.close()
    assert delivered.memory == {"a": "b"}
    assert "hidden" not in delivered.line
    (told,) = receiver.seen.values()
    assert told["type"] == "new-group"
    assert told["timestamp"] == "2026-09-21T14:13:20Z"
    data = told["data"]
    assert data["fingerprint"] == GROUP
    assert data["occurrences"] == 1412
    assert data["timestamp"] == [1_789_990_000, 1_789_999_000]
    assert data["callstack"] == ["parse_header", "std::vector<int>::at", "main"]
    assert data["attributes"] == {"hostname": [["web-1", 400], ["web-2", 12]]}


def test_a_second_try_has_the_same_id_so_it_is_one_thing(receiver: Receiver) -> None:
    channel = open_hook(receiver)
    receiver.status = 500
    with pytest.raises(DeliveryError) as raised:
        channel.deliver(notice(), {})
    assert not raised.value.is_final
    assert "inner words" not in str(raised.value)
    receiver.status = 200
    channel.deliver(notice(), {})
    channel.close()
    assert receiver.requests == 2
    assert list(receiver.seen) == ["notice-1"]


def test_a_receiver_refuses_what_another_secret_signed(receiver: Receiver) -> None:
    channel = open_hook(receiver, "an entirely different secret")
    with pytest.raises(DeliveryError, match="answered 401"):
        channel.deliver(notice(), {})
    channel.close()
    assert receiver.seen == {}


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(301, True), (410, True), (404, False), (429, False), (500, False), (503, False)],
)
def test_only_what_no_time_repairs_is_final(
    receiver: Receiver, status: int, is_final: bool
) -> None:
    receiver.status = status
    receiver.headers = {"retry-after": "17"}
    channel = open_hook(receiver)
    with pytest.raises(DeliveryError) as raised:
        channel.deliver(notice(), {})
    channel.close()
    assert raised.value.is_final == is_final
    assert raised.value.retry_after == 17.0


def test_a_signature_is_the_one_of_the_standard() -> None:
    """The example of the specification's own libraries."""
    body = b'{"test": 2432232314}'
    headers = signed(
        read_secret(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body
    )
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-signature"] == expected


@pytest.mark.parametrize("event", list(Event))
def test_every_event_is_posted(receiver: Receiver, event: Event) -> None:
    channel = open_hook(receiver)
    channel.deliver(notice(event), {})
    channel.close()
    assert receiver.seen["notice-1"]["type"] == event.value


def test_hostile_texts_arrive_as_they_are_and_in_bounds(receiver: Receiver) -> None:
    channel = open_hook(receiver)
    channel.deliver(hostile_notice(), {})
    preview = channel.preview(hostile_notice(), {})
    channel.close()
    data = receiver.seen["notice-1"]["data"]
    assert data["title"] == HOSTILE.replace("\udcff", "\\xff")
    assert len(json.dumps(data)) < 500_000
    assert "\x1b" not in preview
    assert "\u202e" not in preview


def test_a_digest_has_its_groups(receiver: Receiver) -> None:
    channel = open_hook(receiver)
    channel.deliver(digest(), {})
    channel.close()
    data = receiver.seen["notice-1"]["data"]
    assert data["since"] == 1_789_900_000
    assert len(data["groups"]) == 40
    assert data["groups"][1]["before"] == 1


def test_a_preview_sends_nothing_and_hides_what_is_secret(receiver: Receiver) -> None:
    channel = open_hook(receiver)
    preview = channel.preview(notice(), {})
    channel.close()
    assert receiver.requests == 0
    assert '"fingerprint": "c0c0' in preview
    assert "hidden" not in preview
    assert SECRET not in preview


@pytest.mark.parametrize("secret", ["short", "whsec_short", "whsec_!!!!", "x" * 129])
def test_a_secret_that_protects_nothing_is_refused(secret: str) -> None:
    with pytest.raises(ConfigError, match="secret"):
        open_channel("webhook", {"url": "https://a.example/", "secret": secret}, OWN)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/",
        "file:///etc/passwd",
        "https://",
        "https://u:p@a.example/",
        "https://a.example:99999/",
        "https://a.example/\r\nx: y",
        "https://[::1/",
        "gopher",
    ],
)
def test_an_address_that_is_none_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(ConfigError, match="url") as raised:
        open_channel("webhook", {"url": url, "secret": SECRET}, OWN)
    assert url not in str(raised.value)


@pytest.mark.parametrize("noun", [Payload, PayloadData, PayloadGroup])
def test_every_field_that_is_sent_is_documented(noun: type[msgspec.Struct]) -> None:
    text = DOCUMENTATION.read_text()
    for field in noun.__struct_fields__:
        assert f"| `{field}` |" in text, field
