"""Channels and rules by browser: set, tried, told, seen in the log, and taken away."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from coresnap.store.api.endpoint import Capability
from coresnap.views.cli.coroner.ways import ways_of
from store.server.live import LiveServer
from store.server.snapshots import make_snapshot
from views.web.browsing import Person, console_server, logged_in

PAGE = "/cf/blackhole/admin/integrations"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    allow = (ipaddress.ip_network("127.0.0.0/8"),)
    with console_server(
        tmp_path,
        integrations_allow=allow,
        prepare=lambda server: setattr(server, "ways", ways_of(server.config)),
    ) as running:
        yield running


@pytest.fixture
def admin(server: LiveServer) -> Iterator[Person]:
    with logged_in(server) as person:
        yield person


def sent(person: Person, **fields: object) -> httpx2.Response:
    return person.send(PAGE, PAGE, **fields)


def add_hook(person: Person, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook").respond_with_data("")
    fields = {"set.url": httpserver.url_for("/hook"), "set.secret": SECRET}
    answer = sent(person, action="channel", kind="webhook", name="ops", **fields)
    assert answer.status_code == 303, answer.text


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_channel_is_set_and_tried_and_its_secret_never_shown(
    admin: Person, httpserver: HTTPServer
) -> None:
    add_hook(admin, httpserver)
    page = admin.see(PAGE)
    assert "secret=(secret)" in page
    assert SECRET not in page
    assert sent(admin, action="test", name="ops").status_code == 303
    request, _ = httpserver.log[-1]
    assert json.loads(request.get_data())["type"].endswith("test")


def test_every_kind_can_be_added(admin: Person) -> None:
    page = admin.see(PAGE)

    for title in ("Slack", "Jira", "Mail", "Webhook"):
        assert f"Add {title}".lower() in page.lower()


def test_what_makes_no_sense_is_told_and_not_kept(admin: Person) -> None:
    answer = sent(admin, action="channel", kind="webhook", name="ops")

    assert answer.status_code == 400
    assert "needs url" in answer.text
    assert "Nobody is told anything yet." in admin.see(PAGE)


def test_a_rule_tells_of_a_crash_and_the_log_says_so(
    server: LiveServer, admin: Person, httpserver: HTTPServer
) -> None:
    add_hook(admin, httpserver)
    fields = {"event": ["new-group", "regression"], "filter": "application=simple"}
    rule = {"action": "rule", "name": "crashes", "channel": "ops", **fields}
    assert sent(admin, **rule).status_code == 303
    with server.client(Capability.POST) as client:
        assert client.post("faults", content=make_snapshot()).status_code == 200
    httpserver.clear_log()
    wait_until(lambda: bool(httpserver.log))
    request, _ = httpserver.log[0]
    told = json.loads(request.get_data())
    assert told["type"].endswith("new-group")
    group = told["data"]["fingerprint"]
    wait_until(lambda: ">delivered<" in admin.see(PAGE))
    assert group[:12] in admin.see(PAGE)
    preview = admin.see(f"{PAGE}?preview={group[:12]}")
    assert "crashes → ops" in preview


def test_a_rule_and_its_channel_go(admin: Person, httpserver: HTTPServer) -> None:
    add_hook(admin, httpserver)
    sent(admin, action="rule", name="daily", channel="ops", digest="daily", hour="7")
    page = admin.see(PAGE)
    assert "digest daily at 7:00 UTC" in page
    wrong = sent(admin, action="rule", name="none", channel="ops")
    assert (wrong.status_code, "tells nothing" in wrong.text) == (400, True)
    assert sent(admin, action="remove-rule", name="daily").status_code == 303
    assert "digest daily" not in admin.see(PAGE)
    assert sent(admin, action="remove-channel", name="ops").status_code == 303
    assert "Nobody is told anything yet." in admin.see(PAGE)
