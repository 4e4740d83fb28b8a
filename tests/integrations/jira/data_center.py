"""jira820, a stateful Jira Data Center, as a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import attrs
import httpx2

__all__ = ["DataCenterProcess"]

_CONFIGURATION = {
    "statuses": [
        ["Open", "todo", "1"],
        ["In Progress", "inprogress", "3"],
        ["Done", "done", "10002"],
        ["Cancelled", "done", "10003"],
        ["Closed as duplicate", "done", "10004"],
        ["Archived", "done", "10005"],
    ],
    "transition_scheme": {
        "Open": ["In Progress", "Done", "Cancelled", "Closed as duplicate"],
        "In Progress": ["Open", "Done", "Cancelled"],
        "Done": ["Open", "Archived"],
        "Cancelled": ["Open"],
        "Closed as duplicate": ["Open"],
        "Archived": [],
    },
    "transition_screens": {
        "Done": ["resolution"],
        "Cancelled": [],
        "Closed as duplicate": [],
        "Archived": ["worklog"],
    },
    "epics_per_module": 0,
    "standalone_per_module": 1,
    "history_per_module": 1,
}
"""A workflow with ways that are missing, where most programs allow all of them."""


@attrs.define
class DataCenterProcess:
    """The server, and people who use it."""

    url: str
    process: subprocess.Popen[bytes]
    project: str

    @classmethod
    def start(cls, directory: Path, project: str = "NET") -> DataCenterProcess:
        """Start one with an almost empty project. Raises AssertionError."""
        configuration = directory / "jira820.json"
        configuration.write_text(json.dumps(_CONFIGURATION))
        port = _free_port()
        environment = {
            **os.environ,
            "JIRA820_CONFIG": str(configuration),
            "JIRA820_HOST": "127.0.0.1",
            "JIRA820_PORT": str(port),
            "JIRA820_PROJECT_KEY": project,
        }
        with (directory / "jira820.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "jira820"],
                env=environment,
                stdout=log,
                stderr=log,
            )
        server = cls(f"http://127.0.0.1:{port}", process, project)
        server._wait(directory / "jira820.log")
        return server

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=30)

    def issue(self, key: str) -> Any:  # noqa: ANN401 - JSON
        """Return a ticket, with its history and comments."""
        return self._ask("GET", f"issue/{key}?expand=changelog")

    def comments(self, key: str) -> list[str]:
        """Return what was said in a ticket."""
        answer = self._ask("GET", f"issue/{key}/comment?maxResults=1000")
        return [comment["body"] for comment in answer["comments"]]

    def remote_links(self, key: str) -> list[Any]:
        """Return the links to web pages of a ticket."""
        links: list[Any] = self._ask("GET", f"issue/{key}/remotelink")
        return links

    def keys(self, label: str) -> list[str]:
        """Return the tickets with a label."""
        answer = self._ask("GET", f'search?jql=labels="{label}"&maxResults=1000')
        return [issue["key"] for issue in answer["issues"]]

    def move(self, key: str, status: str) -> None:
        """Do what a person does on the board."""
        ways = self._ask("GET", f"issue/{key}/transitions")["transitions"]
        (way,) = (one for one in ways if one["to"]["name"] == status)
        self._ask("POST", f"issue/{key}/transitions", {"transition": {"id": way["id"]}})

    def assign(self, key: str, name: str | None) -> None:
        """Give a ticket to somebody."""
        self._ask("PUT", f"issue/{key}/assignee", {"name": name})

    def make(self, summary: str, labels: tuple[str, ...] = ()) -> str:
        """Make a ticket by hand."""
        fields = {
            "project": {"key": self.project},
            "issuetype": {"name": "Bug"},
            "summary": summary,
            "labels": list(labels),
        }
        key: str = self._ask("POST", "issue", {"fields": fields})["key"]
        return key

    def link(self, kind: str, one: str, other: str) -> None:
        """Link two tickets: ``one`` duplicates ``other``."""
        ends = {"inwardIssue": {"key": one}, "outwardIssue": {"key": other}}
        self._ask("POST", "issueLink", {"type": {"name": kind}, **ends})

    def delete(self, key: str) -> None:
        """Delete a ticket."""
        self._ask("DELETE", f"issue/{key}")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401
        url = f"{self.url}/rest/api/2/{path}"
        answer = httpx2.request(method, url, json=body, trust_env=False)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self._ask("GET", "serverInfo")
            except httpx2.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"jira820 did not start:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
