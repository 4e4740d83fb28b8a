"""The program ``coroner`` itself: its help, and the defaults that coroner.cf gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.errors import UsageError
from coresnap.views.cli.coroner.default_words import default_words
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import command_parser, load, main

Captured = pytest.CaptureFixture[str]

CONFIG = """\
[universe]
name = cf
write = http://127.0.0.1:1
read = 127.0.0.1:1
[default]
list.limit = 3
list.recent = true
list.frames-full = no
list.filter = application=simple
serve.data = /nowhere
"""


@pytest.mark.parametrize("name", CORONER.commands)
def test_every_argument_has_a_help(name: str) -> None:
    for action in command_parser(load(name, CORONER), CORONER)._actions:
        assert action.help, action.dest


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "coroner.cf"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


def test_options_of_the_configuration_stand_before_those_that_are_typed(
    config: Path, capsys: Captured
) -> None:
    assert default_words("list", config) == [
        "--limit=3",
        "--recent",
        "--filter=application=simple",
    ]
    assert default_words("get", config) == []
    words = ["list", "-c", str(config), "blackhole", "--query"]
    assert main(words, CORONER) == 0
    assert '"limit": 3' in capsys.readouterr().out
    assert main([*words, "-H7", "--filter=hostname=a"], CORONER) == 0
    query = capsys.readouterr().out
    assert '"limit": 7' in query
    assert '"simple"' in query
    assert '"a"' in query


def test_commands_that_speak_with_no_store_have_no_defaults(config: Path) -> None:
    assert default_words("serve", config) == []


def test_a_default_that_the_command_has_not_is_refused_by_name(
    config: Path, capsys: Captured
) -> None:
    config.write_text(f"{CONFIG}list.colour = always\n")
    words = ["list", "-c", str(config), "blackhole", "--query"]
    assert main(words, CORONER) == UsageError.exit_code
    assert "--colour=always" in capsys.readouterr().err


def test_the_usual_file_gives_defaults_too(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config.rename(tmp_path / ".coroner.cf")
    assert "--limit=3" in default_words("list", None)


@pytest.mark.parametrize("text", ["[default]\nlist = 1\n", "nonsense", "\xff"])
def test_what_is_wrong_with_the_file_is_said_by_the_command(
    config: Path, text: str, capsys: Captured
) -> None:
    config.write_text(text, encoding="latin-1")
    assert default_words("list", config) == []
    assert main(["status", "-c", str(config)], CORONER) == 78
    assert str(config) in capsys.readouterr().err
