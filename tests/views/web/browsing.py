"""A person before the console, as far as HTTP goes."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx2

from coresnap.store.api.endpoint import Capability
from coresnap.views.web.console import console_routes
from store.server.live import LiveServer, running_server

__all__ = ["Person", "console_server", "logged_in"]


@attrs.frozen
class Person:
    """Loads pages and sends the forms that stand on them."""

    http: httpx2.Client

    def see(self, path: str, status: int = 200) -> str:
        """Load a page; return its HTML."""
        answer = self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def send(self, page: str, action: str, /, **fields: Any) -> httpx2.Response:  # noqa: ANN401
        """Load ``page`` and send a form from it to ``action``."""
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', self.see(page))
        assert token is not None
        return self.http.post(action, data={"form_token": token[1], **fields})


@contextlib.contextmanager
def console_server(data: Path, **fields: Any) -> Iterator[LiveServer]:  # noqa: ANN401
    """Run a server with its console."""
    with running_server(data, faces_of=console_routes, **fields) as server:
        yield server


@contextlib.contextmanager
def logged_in(server: LiveServer, *capabilities: Capability) -> Iterator[Person]:
    """Somebody who has logged in with a token of their own."""
    with httpx2.Client(base_url=server.url, timeout=30) as http:
        person = Person(http)
        token = server.token(*capabilities or (Capability.ADMIN,))
        answer = person.send("/login", "/login", token=token)
        assert answer.status_code == 303, html.unescape(answer.text)
        yield person
