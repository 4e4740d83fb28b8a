"""The announcement's story: crash, Slack, ticket, console, repair, and back.

Everything is real but Slack, which answers as it is documented to: the kernel writes
the core, `coroner serve` and its commands are processes of their own, Jira Data Center
keeps its tickets, and forms are sent from the pages on which they stand. What is said
on the way stands in docs/story.md, which ``CORESNAP_WRITE_STORY=1`` writes anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx2
import msgspec
import pytest
from pytest_httpserver import HTTPServer

from conftest import CompileProgram
from coresnap import analyze
from coresnap.model import Snapshot
from coresnap.snapshot.container import read_snapshot, write_snapshot
from integrations.jira.data_center import DataCenterProcess
from integrations.slack.workspace import CHANNEL, TOKEN, Workspace
from kernel import kernel_core
from store.server.process import ServerProcess
from views.web.browsing import Person

PROJECT = "blackhole"
STORY = Path(__file__).parents[3] / "docs" / "story.md"
INTRODUCTION = """\
The program of the announcement crashes, is told of, repaired, and crashes again. A
test (tests/views/web/test_story.py) does all of it, with the kernel's own core, a
server, a Jira Data Center and a workspace that answers as Slack's documentation says,
and compares this page with what it saw.
"""


@attrs.frozen
class World:
    """A store, and people who are told by it."""

    directory: Path
    server: ServerProcess
    url: str
    slack: Workspace
    jira: DataCenterProcess
    said: list[str] = attrs.field(factory=list)
    """What people typed and read, as it stands in the story."""

    def tell(self, what: str, *lines: str) -> None:
        """Add what happens, and what is seen of it."""
        block = re.sub(r"/\S+/simple\b", "./simple", "\n".join(lines)).strip()
        self.said.append(f"{textwrap.fill(what, 88)}\n\n```\n{block}\n```\n")

    def coroner(self, *words: str) -> str:
        """Run a command as an operator does; return what it says."""
        run = subprocess.run(
            [*_CORONER, "-c", str(self.config), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert run.returncode == 0, (words, run.stdout, run.stderr)
        return run.stdout

    @property
    def config(self) -> Path:
        """The coroner.cf of the first administrator."""
        return self.directory / "data" / "coroner.cf"

    def crash(self, snapshot: Snapshot, number: int, version: str) -> None:
        """Put the same crash of another day, of a version."""
        attributes = {
            **snapshot.attributes,
            "coresnap.object": f"{number:032x}",
            "hostname": "broadwell",
            "timestamp": int(time.time()),
            "version": version,
        }
        path = self.directory / f"{number}.csnap"
        write_snapshot(msgspec.structs.replace(snapshot, attributes=attributes), path)
        self.coroner("put", PROJECT, "admin", str(path))

    def group(self, group: str) -> Any:  # noqa: ANN401 - JSON
        """What the store knows of a group."""
        return json.loads(self.coroner("group", PROJECT, group, "--json"))


_CORONER = (
    sys.executable,
    "-c",
    "from coresnap.views.cli.process import run_coroner as run; run()",
)


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    """Return once ``what`` is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.fixture
def world(tmp_path: Path, httpserver: HTTPServer) -> Iterator[World]:
    pytest.importorskip("jira820", reason="needs jira820")
    jira = DataCenterProcess.start(tmp_path)
    settings = tmp_path / "coronerd.conf"
    settings.write_text(
        "[server]\nurl = https://crashes.example\n"
        "[integrations]\nallow = 127.0.0.1/32\n"
    )
    server = ServerProcess(tmp_path / "data", ("--settings", str(settings)))
    try:
        url = server.start()
        yield World(tmp_path, server, url, Workspace(httpserver), jira)
        assert server.end() == 0
    finally:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
        jira.stop()


@pytest.mark.core_pattern
@pytest.mark.compiler
@pytest.mark.linux
def test_from_the_crash_to_the_repair_and_back(
    world: World, compile_program: CompileProgram, tmp_path: Path
) -> None:
    program = compile_program("simple.c", "-g", "-O0", "-pthread")
    snapshot = analyze(kernel_core([program], tmp_path))
    for name, secret in (("slack", TOKEN), ("jira", "secret")):
        (tmp_path / f"{name}.token").write_text(secret)
    told = ("kind=slack", f"channel={CHANNEL}", f"api={world.slack.api}")
    token = f"token=@{tmp_path / 'slack.token'}"
    world.coroner("integrations", "set", PROJECT, "ops", *told, token)
    told = ("kind=jira", f"url={world.jira.url}", f"project={world.jira.project}")
    token = f"token=@{tmp_path / 'jira.token'}"
    world.coroner("integrations", "set", PROJECT, "tickets", *told, token)
    for channel in ("ops", "tickets"):
        events = "event=new-group,regression,state,merge"
        words = (f"channel={channel}", events)
        world.coroner("integrations", "rule", PROJECT, f"to-{channel}", *words)

    # --- it crashes: a message, a ticket --------------------------------------------
    world.crash(snapshot, 1, "1.0")
    wait_for(lambda: world.slack.messages)
    wait_for(lambda: world.jira.keys("coresnap"))
    (ts,) = world.slack.messages
    message = json.dumps(world.slack.messages[ts])
    address = f"https://crashes.example/cf/{PROJECT}/groups/{snapshot.fingerprint}"
    assert address in message
    (key,) = world.jira.keys("coresnap")
    world.tell(
        "A program crashes. coresnapd makes a snapshot of the core and sends it to the "
        "store, which finds that this fault was never seen before. Slack has a "
        "message:",
        world.slack.messages[ts]["text"],
    )
    fields = world.jira.issue(key)["fields"]
    world.tell(
        f"Jira has the ticket {key}:", fields["summary"], "", fields["description"]
    )
    assert world.jira.issue(key)["fields"]["status"]["name"] == "Open"
    wait_for(lambda: world.group(snapshot.fingerprint)["links"])
    wait_for(lambda: "in-progress" in world.coroner("list", PROJECT))
    listed = world.coroner("list", PROJECT, "--filter=application=simple")
    world.tell(
        "The store has the group, which is being worked on since it has a ticket:",
        f"$ coroner list {PROJECT} --filter=application=simple",
        listed,
    )

    # --- again: the message grows, no other one comes ---------------------------------
    for number in range(2, 5):
        world.crash(snapshot, number, "1.0")
    assert len(world.jira.keys("coresnap")) == 1

    # --- somebody looks ---------------------------------------------------------------
    with httpx2.Client(base_url=world.url, timeout=30) as http:
        person = Person(http)
        login = {"token": world.server.token}
        assert person.send("/login", "/login", **login).status_code == 303
        group = f"/cf/{PROJECT}/groups/{snapshot.fingerprint}"
        page = person.see(group)
        assert key in page
        assert "use-after-free" in page
        fault = person.see(f"/cf/{PROJECT}/faults/{4:032x}")
        assert "use-after-free" in fault
        got = tmp_path / "simple.csnap"
        world.coroner("get", PROJECT, f"{4:032x}", "-o", str(got))
        assert read_snapshot(got).fingerprint == snapshot.fingerprint
        shown = world.coroner("view", str(got), "--text").partition("\n\n")[0]
        world.tell(
            "The group's page in the console has the ticket, the trend and the faults. "
            "Somebody fetches the last one, and reads it without the machine:",
            f"$ coroner get {PROJECT} {4:032x} -o simple.csnap",
            "$ coroner view simple.csnap --text",
            shown,
        )

        # --- and repairs it -----------------------------------------------------------
        fixed = {"set_state": "resolved", "resolution": "version", "version": "1.1"}
        reason = {"reason": "the pointer is cleared"}
        assert person.send(group, group, **fixed, **reason).status_code == 303
    assert world.group(snapshot.fingerprint)["state"] == "resolved"
    wait_for(lambda: world.jira.issue(key)["fields"]["status"]["name"] == "Done")

    before = _history(world, snapshot.fingerprint)
    world.tell(
        "The bug is found and repaired. In the console the group is resolved from "
        "version 1.1 on; the ticket follows.",
        *before,
    )

    # --- an old version crashes still: nothing happens; a new one: it is back ---------
    world.crash(snapshot, 5, "1.0")
    assert world.group(snapshot.fingerprint)["state"] == "resolved"
    world.crash(snapshot, 6, "1.2")
    assert world.group(snapshot.fingerprint)["state"] == "open"
    wait_for(lambda: world.jira.issue(key)["fields"]["status"]["name"] != "Done")
    assert any("1.2" in comment for comment in world.jira.comments(key))
    wait_for(lambda: any("1.2" in json.dumps(m) for m in world.slack.thread(ts)))
    assert [m for m in world.slack.messages.values() if "thread_ts" not in m] == [
        world.slack.messages[ts]
    ]
    world.tell(
        "Hosts with version 1.0 go on crashing, which changes nothing. Then version "
        "1.2 has the fault again: the group is open, the ticket too, and the thread "
        "below "
        "Slack's message says why.",
        *_history(world, snapshot.fingerprint)[len(before) :],
        *(m["text"] for m in world.slack.thread(ts) if "1.2" in json.dumps(m)),
    )
    log = json.loads(world.coroner("integrations", "log", PROJECT, "--json"))
    assert {one["state"] for one in log["deliveries"]} <= {"delivered", "waiting"}
    assert TOKEN not in world.server.log.read_text()
    assert TOKEN not in world.coroner("integrations", "list", PROJECT, "--json")
    compare_with_the_documentation(world.said)


def _history(world: World, group: str) -> list[str]:
    """The group's history, a line each."""
    return [
        f"{one['who']}: {one['what']} {one['old'] or '–'} → {one['new']} {one['why']}"
        for one in world.group(group)["history"]
    ]


def compare_with_the_documentation(said: list[str]) -> None:
    """What differs between two runs is left out: numbers, ids, times."""
    head = "# From a crash to its repair, and back\n\n" + INTRODUCTION
    text = head + "\n" + "\n".join(said)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    if os.environ.get("CORESNAP_WRITE_STORY"):
        STORY.write_text(text)
    assert _without_numbers(text) == _without_numbers(STORY.read_text())


def _without_numbers(text: str) -> str:
    text = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b", "HEX", text)
    text = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} +\d+", "DAY", text)
    text = re.sub(r"hostname=\S+|^( +)\S+( +1 100.00%.*)$", "HOST", text, flags=re.M)
    text = re.sub(r"\d+", "N", re.sub(r"[▁-█]+|_+", "TREND", text))
    return re.sub(r"\s+", " ", text)
