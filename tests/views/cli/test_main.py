from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from coresnap.errors import (
    CoresnapError,
    MissingError,
    UsageError,
)
from coresnap.snapshot.container import write_snapshot
from coresnap.views.cli import main as main_module
from coresnap.views.cli.main import command_parser, load, main
from coresnap.views.cli.program import CORESNAP
from snapshot import specimens

Captured = pytest.CaptureFixture[str]


def run(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in a process of its own."""
    command = [sys.executable, "-m", "coresnap", *map(str, words)]
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        command, text=True, check=False, **({"capture_output": True} | options)
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """A command ``show`` that raises what the test puts into ``error``."""
    command = argparse.Namespace(NAME="show", HELP="", DESCRIPTION="", error=None)
    command.add_arguments = lambda parser: parser.add_argument(
        "--json", action="store_true"
    )

    def fail(arguments: argparse.Namespace) -> int:
        raise command.error

    command.run = fail
    monkeypatch.setattr(main_module, "load", lambda name, program: command)
    return command


def test_without_a_command_a_short_guide_is_printed(capsys: Captured) -> None:
    assert main([]) == 0
    assert "coresnap analyze CORE" in capsys.readouterr().out


def test_the_help_lists_every_command_with_its_line(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["-h"])

    assert caught.value.code == 0
    text = capsys.readouterr().out
    for name in CORESNAP.commands:
        assert f"  {name} " in text
        assert load(name).HELP in text


@pytest.mark.parametrize("name", CORESNAP.commands)
def test_every_command_has_a_help_that_explains_it(name: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])

    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: coresnap {name}" in text
    assert load(name).DESCRIPTION.strip().splitlines()[0] in text


@pytest.mark.parametrize("name", CORESNAP.commands)
def test_every_option_has_a_help(name: str) -> None:
    assert name == load(name).NAME
    for action in command_parser(load(name))._actions:
        assert action.help, action.dest


def test_the_version_is_that_of_the_package(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert capsys.readouterr().out == f"coresnap {version('coresnap')}\n"


def test_a_wrong_command_line_is_answered_in_a_few_lines(capsys: Captured) -> None:
    assert main(["symbols"]) == UsageError.exit_code
    assert main(["show", "--json"]) == UsageError.exit_code
    out, err = capsys.readouterr()

    assert err.splitlines() == [
        "coresnap: the following arguments are required: list|fetch|add, NAME",
        "  usage: coresnap symbols [OPTIONS] list|fetch|add [NAME ...]",
        "  `coresnap symbols -h` explains them.",
        "coresnap: the following arguments are required: SNAPSHOT|ID",
        "  usage: coresnap show [OPTIONS] SNAPSHOT|ID",
        "  `coresnap show -h` explains them.",
    ]
    told = json.loads(out)["error"]
    assert (told["class"], told["exit_code"]) == ("UsageError", 2)


def test_a_misspelt_option_is_answered_with_the_nearest(capsys: Captured) -> None:
    assert main(["list", "--verbos"]) == UsageError.exit_code
    err = capsys.readouterr().err
    assert "unrecognized arguments: --verbos" in err
    assert "Did you mean `--verbose`?" in err


@pytest.mark.parametrize(
    ("typed", "meant"), [("analyse", "analyze"), ("lst", "list"), ("docter", "doctor")]
)
def test_a_misspelt_command_is_answered_with_the_nearest(
    typed: str, meant: str, capsys: Captured
) -> None:
    assert main([typed]) == UsageError.exit_code
    assert f"Did you mean `coresnap {meant}`?" in capsys.readouterr().err


def test_a_command_like_no_other_is_answered_with_where_to_look(
    capsys: Captured,
) -> None:
    assert main(["xyzzy"]) == 2
    assert "`coresnap -h`" in capsys.readouterr().err


def test_the_configuration_may_stand_before_or_behind_the_command(
    monkeypatch: pytest.MonkeyPatch, failing: argparse.Namespace
) -> None:
    seen = []

    def note(arguments: argparse.Namespace) -> int:
        seen.append(arguments.config)
        return 0

    failing.run = note
    main(["show"])
    main(["--config", "a", "show"])
    main(["show", "--config", "b"])

    assert seen == [None, Path("a"), Path("b")]


def test_an_error_is_one_sentence_and_a_remedy_and_its_exit_code(
    failing: argparse.Namespace, capsys: Captured
) -> None:
    failing.error = MissingError("no such core: x", remedy="Look elsewhere.\nOr not.")

    assert main(["show"]) == 66

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ("coresnap: no such core: x\n  Look elsewhere.\n  Or not.\n")


def test_with_json_the_error_is_json_too(
    failing: argparse.Namespace, capsys: Captured
) -> None:
    failing.error = MissingError("no such core: x", remedy="Look elsewhere.")

    assert main(["show", "--json"]) == 66

    captured = capsys.readouterr()
    assert json.loads(captured.out) == {
        "error": {
            "class": "MissingError",
            "message": "no such core: x",
            "remedy": "Look elsewhere.",
            "exit_code": 66,
        }
    }
    assert "no such core" in captured.err


def test_an_error_that_names_a_hostile_path_is_escaped(
    failing: argparse.Namespace, capsys: Captured
) -> None:
    failing.error = CoresnapError("cannot read /tmp/\x1b[2J\nroot# ")

    assert main(["show"]) == 1
    assert capsys.readouterr().err == "coresnap: cannot read /tmp/\\e[2J\\nroot# \n"


def test_an_interrupt_ends_without_a_traceback(
    failing: argparse.Namespace, capsys: Captured
) -> None:
    failing.error = KeyboardInterrupt()

    assert main(["show"]) == 130
    assert capsys.readouterr().err == ""


def test_what_is_no_error_of_ours_is_not_hidden(failing: argparse.Namespace) -> None:
    failing.error = ZeroDivisionError()

    with pytest.raises(ZeroDivisionError):
        main(["show"])


@pytest.fixture
def snapshot_file(tmp_path: Path) -> Path:
    path = tmp_path / "full.csnap"
    frames = tuple(specimens.frame(function=f"f{n}") for n in range(5000))
    threads = (specimens.thread(frames=frames),)
    write_snapshot(specimens.small(threads=threads), path)
    return path


def test_a_reader_that_stops_early_ends_the_command_quietly(
    snapshot_file: Path,
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = run(
            "show",
            snapshot_file,
            capture_output=False,
            stdout=write_end,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(write_end)

    assert done.returncode == 141
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("words", [["show"], ["show", "--json"], []])
def test_a_full_disk_behind_the_output_is_an_error(
    words: list[str], snapshot_file: Path
) -> None:
    if words:
        words = [*words, str(snapshot_file)]
    with open("/dev/full", "w") as full:
        done = run(*words, capture_output=False, stdout=full, stderr=subprocess.PIPE)

    assert done.returncode == 74
    assert done.stderr == (
        "coresnap: cannot write to standard output: No space left on device\n"
    )


def test_any_text_can_be_printed_in_any_locale(snapshot_file: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}

    done = run("show", snapshot_file, env=environment)

    assert done.returncode == 0
    assert done.stdout.isascii()
