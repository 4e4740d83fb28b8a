"""The viewer in a real terminal of 80 columns and 24 rows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.snapshot.container import write_snapshot
from imported import SOURCE
from views.viewer.opened import crash

pytestmark = pytest.mark.tmux

WAIT = 60.0


class Terminal:
    """A terminal of its own server, so that nobody's sessions are touched."""

    def __init__(self, directory: Path) -> None:
        self._socket = directory / "tmux"
        self._run("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "sh")

    def _run(self, *words: str) -> str:
        command = ["tmux", "-S", str(self._socket), *words]
        environment = {**os.environ, "PS1": "ready$ ", "LC_ALL": "C.UTF-8"}
        environment.pop("TMUX", None)
        run = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment
        )
        return run.stdout

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def screen(self) -> str:
        return self._run("capture-pane", "-p")

    def wait_for(self, text: str) -> str:
        end = time.monotonic() + WAIT
        while text not in (shown := self.screen()):
            assert time.monotonic() < end, f"no {text!r} in\n{shown}"
            time.sleep(0.05)
        return shown

    def close(self) -> None:
        self._run("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def test_a_fault_is_read_in_a_terminal_over_a_line(
    terminal: Terminal, tmp_path: Path
) -> None:
    path = tmp_path / "fault.csnap"
    write_snapshot(crash(), path)
    command = f"PYTHONPATH={SOURCE} {sys.executable} -m coresnap show -i {path}"
    terminal.press(f"{command}; echo left with $?", "Enter")

    terminal.wait_for("? for keys")
    first = terminal.wait_for("+ 4243 ×3 worker")
    assert "F   4242 popper pop" in first
    assert all(len(row) <= 80 for row in first.splitlines())

    terminal.press("3", "+", "j", "j")
    terminal.wait_for("int value = 7")
    terminal.press(":memory", "Enter")
    terminal.wait_for(" - rax free")
    terminal.press(":!echo from line $LINE", "Enter")
    terminal.wait_for("from line 13")
    terminal.press("Enter")
    terminal.wait_for("exit status 0")
    terminal.press(":q", "Enter")
    assert "? for keys" not in terminal.wait_for("left with 0")
