from __future__ import annotations

import sys
import threading

import pytest

from coresnap.views.cli import progress as progress_module
from coresnap.views.cli.progress import Progress


class Terminal:
    """Standard error that claims to be a terminal and tells when it was written to."""

    def __init__(self) -> None:
        self.text = ""
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text
        self.written.set()

    def flush(self) -> None:
        pass


def test_a_quick_analysis_shows_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress() as progress:
        progress("unwind")

    assert terminal.text == ""


def test_a_slow_one_shows_its_step_and_cleans_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress_module, "_PATIENCE_SECONDS", 0)
    with Progress() as progress:
        progress("unwind")
        assert terminal.written.wait(10)
        progress("frames")

    assert "unwind…" in terminal.text or "\r\x1b[K…" in terminal.text
    assert "frames…" in terminal.text
    assert terminal.text.endswith("\r\x1b[K")


def test_nothing_is_shown_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "_PATIENCE_SECONDS", 0)
    with Progress() as progress:
        progress("unwind")

    assert capsys.readouterr().err == ""
