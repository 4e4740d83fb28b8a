"""A workspace of Slack: what its Web API and webhooks are documented to answer.

From docs.slack.dev, in own words:

- chat.postMessage, chat.update, auth.test take JSON by POST with ``Authorization:
  Bearer``; they answer 200 with ``"ok"``, and with ``"error"`` where that is false:
  ``not_authed``, ``invalid_auth``, ``channel_not_found``, ``is_archived``,
  ``not_in_channel``, ``no_text``, ``invalid_blocks``, ``message_not_found``,
  ``cant_update_message``, ``invalid_auth``, ``missing_scope``.
- Too much is answered by 429 with Retry-After, seconds.
- chat.update changes messages of the same token only; the channel has to be an id.
- ``thread_ts`` is the ts of the message that a reply is to.
- An incoming webhook answers 200 ``ok``, else a word of text: 400 ``invalid_payload``,
  403 ``action_prohibited``, 404 ``channel_not_found`` and ``no_service``, 410
  ``channel_is_archived``, 500 ``rollup_error``.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
from pytest_httpserver import HTTPServer
from slack_sdk.models.blocks import Block
from werkzeug import Request, Response

__all__ = ["CHANNEL", "TOKEN", "Workspace"]

TOKEN = "xoxb-1234567890-abcdefgh"
CHANNEL = "C0123456789"


@attrs.define
class Workspace:
    """One channel, one bot in it, one webhook."""

    server: HTTPServer
    messages: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    """By ts: as posted, then as changed."""
    calls: list[str] = attrs.field(factory=list)
    answers: list[Response] = attrs.field(factory=list)
    """What the next calls get instead, whatever they ask."""
    error: dict[str, str] = attrs.field(factory=dict)
    """Of a method: what it refuses with."""

    def __attrs_post_init__(self) -> None:
        for name, method in (
            ("auth.test", self._auth_test),
            ("chat.postMessage", self._post),
            ("chat.update", self._update),
        ):
            self.server.expect_request(f"/api/{name}").respond_with_handler(
                self._method(name, method)
            )
        self.server.expect_request("/services/T0/B0/key").respond_with_handler(
            self._hook
        )

    @property
    def api(self) -> str:
        """Address of the Web API."""
        return self.server.url_for("/api")

    @property
    def hook(self) -> str:
        """Address of the webhook."""
        return self.server.url_for("/services/T0/B0/key")

    def thread(self, ts: str) -> list[dict[str, Any]]:
        """Return the replies to a message."""
        return [m for m in self.messages.values() if m.get("thread_ts") == ts]

    def _method(self, name: str, method: Any) -> Any:  # noqa: ANN401
        def handler(request: Request) -> Response:
            self.calls.append(name)
            if self.answers:
                return self.answers.pop(0)
            failure = self._refusal(name, request)
            body = _body(request)
            answer = {"error": failure} if failure else method(body)
            if isinstance(answer, str):
                answer = {"error": answer}
            answer = {"ok": "error" not in answer, **answer}
            return Response(json.dumps(answer), content_type="application/json")

        return handler

    def _refusal(self, name: str, request: Request) -> str:
        said = request.headers.get("authorization", "")
        if not said:
            return "not_authed"
        if said != f"Bearer {TOKEN}":
            return "invalid_auth"
        return self.error.get(name, "")

    def _auth_test(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"user": "coresnap", "team": "Example", "user_id": "U1", "team_id": "T1"}

    def _post(self, body: dict[str, Any]) -> dict[str, Any] | str:
        if body.get("channel") not in (CHANNEL, "#crashes"):
            return "channel_not_found"
        if wrong := _wrong(body):
            return wrong
        thread = body.get("thread_ts")
        if thread is not None and thread not in self.messages:
            return "thread_not_found"
        ts = f"1790000000.{len(self.messages):06}"
        self.messages[ts] = body
        return {"channel": CHANNEL, "ts": ts, "message": {"text": body["text"]}}

    def _update(self, body: dict[str, Any]) -> dict[str, Any] | str:
        if body.get("channel") != CHANNEL:
            return "channel_not_found"
        if body.get("ts") not in self.messages:
            return "message_not_found"
        if wrong := _wrong(body):
            return wrong
        self.messages[body["ts"]] = body
        return {"channel": CHANNEL, "ts": body["ts"], "text": body["text"]}

    def _hook(self, request: Request) -> Response:
        self.calls.append("webhook")
        if self.answers:
            return self.answers.pop(0)
        body = _body(request)
        if _wrong(body):
            return Response("invalid_payload", 400)
        self.messages[f"1790000000.{len(self.messages):06}"] = body
        return Response("ok")


def _body(request: Request) -> dict[str, Any]:
    if request.mimetype == "application/json":
        body = json.loads(request.get_data())
    else:
        body = request.form.to_dict()
    assert isinstance(body, dict)
    return body


def _wrong(body: dict[str, Any]) -> str:
    """Return what Slack says of a message that breaks its rules."""
    if not body.get("text"):
        return "no_text"
    if len(body["text"]) > 40_000:
        return "msg_too_long"
    blocks = body.get("blocks", [])
    if len(blocks) > 50:
        return "invalid_blocks"
    for block in blocks:
        if not _is_valid(block):
            return "invalid_blocks"
    return ""


_MOST = {"header": 150, "button": 75}
_STYLES = {"bold", "italic", "strike", "code"}


def _is_valid(block: dict[str, Any]) -> bool:
    parsed = Block.parse(block)  # Slack's own library, which checks lengths
    if parsed is None:
        return False
    parsed.validate_json()
    kind = block["type"]
    if kind == "header":
        return _is_plain(block["text"], _MOST["header"])
    if kind == "context":
        return all(_is_plain(e, 3000) for e in block["elements"])
    if kind == "actions":
        return all(
            _is_plain(e["text"], _MOST["button"])
            and e["url"].startswith("https://")
            and len(e["url"]) <= 3000
            for e in block["elements"]
        )
    return kind == "rich_text" and all(map(_is_rich, block["elements"]))


def _is_plain(text: dict[str, Any], most: int) -> bool:
    return text["type"] == "plain_text" and 0 < len(text["text"]) <= most


def _is_rich(element: dict[str, Any]) -> bool:
    if element["type"] == "rich_text_list":
        return element["style"] == "bullet" and all(map(_is_rich, element["elements"]))
    if element["type"] not in ("rich_text_section", "rich_text_preformatted"):
        return False
    return all(
        text["type"] == "text"
        and text["text"]
        and set(text.get("style", ())) <= _STYLES
        for text in element["elements"]
    )
