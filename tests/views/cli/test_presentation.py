from __future__ import annotations

import argparse
import json
import sys

import pytest

from coresnap.views.cli import presentation
from snapshot import specimens

Captured = pytest.CaptureFixture[str]


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    presentation.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "crashed"),
        (("--thread", "all"), "all"),
        (("--thread", "crashed"), "crashed"),
        (("--thread", "4243"), 4243),
    ],
)
def test_threads_are_chosen_by_word_or_id(
    words: tuple[str, ...], expected: str | int
) -> None:
    assert arguments(*words).thread == expected


@pytest.mark.parametrize("word", ["", "-1", "every", "²", "1.5"])
def test_another_word_is_refused(word: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        arguments(f"--thread={word}")
    assert "is not all, crashed or a thread id" in capsys.readouterr().err


def test_text_is_printed_by_default_and_json_when_asked(capsys: Captured) -> None:
    presentation.present(specimens.full(), arguments())
    text = capsys.readouterr().out
    presentation.present(specimens.full(), arguments("--json"))
    form = json.loads(capsys.readouterr().out)

    assert text.startswith("simple (pid 4242) crashed by SIGABRT")
    assert form["signal"]["name"] == "SIGABRT"


def test_variables_can_be_left_out(capsys: Captured) -> None:
    presentation.present(specimens.full(), arguments("--no-variables"))

    assert "head" not in capsys.readouterr().out


class Terminal:
    """Standard output that claims to be a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_whose_owner_wants_it(
    environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    presentation.present(specimens.full(), arguments())

    assert ("\x1b[" in terminal.text) is coloured


def test_no_colour_is_written_to_a_pipe(capsys: Captured) -> None:
    presentation.present(specimens.full(), arguments())

    assert "\x1b" not in capsys.readouterr().out
