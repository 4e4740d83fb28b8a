"""``coresnap config``: mistakes, and what holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.config import SETTINGS, places

from .operations import Bench

GOOD = "[archive]\nkeep = stacks\n[application /usr/*]\nkeep = notes\n"
BAD = "[daemon]\nprge.age = 3d\nuser = ../x\n[archive]\nkeep = nothing\n"


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    bench = Bench(tmp_path, capsys)
    bench.source.write_text(GOOD)
    bench.source.chmod(0o644)
    return bench


# --- check --------------------------------------------------------------------


def test_a_good_file_is_called_good(bench: Bench) -> None:
    answer = bench.run("config", "check")

    assert (answer.code, answer.output) == (0, f"{bench.source}: nothing is wrong\n")


def test_every_mistake_and_doubt_is_named_with_line_and_remedy(bench: Bench) -> None:
    bench.source.write_text(BAD)

    answer = bench.run("config", "check")

    assert answer.code == 78
    assert answer.output.splitlines() == [
        f"{bench.source}:2: error: [daemon] prge.age: there is no such setting",
        "    Did you mean purge.age?",
        f"{bench.source}:3: error: [daemon] user: '../x' is not a user's name",
        "    Default: coresnap",
        f"{bench.source}:5: warning: keep: no crash is archived, only counted",
    ]


def test_warnings_alone_are_no_failure(bench: Bench) -> None:
    bench.source.write_text("[archive]\nkeep = nothing\n")

    answer = bench.run("config", "check")
    assert answer.code == 0
    assert ":2: warning: " in answer.output


def test_a_file_may_be_named(bench: Bench, tmp_path: Path) -> None:
    other = tmp_path / "other.conf"
    other.write_text(BAD)

    answer = bench.run("config", "check", str(other))
    assert answer.code == 78
    assert f"{other}:2: error" in answer.output
    assert bench.run("config", "check", str(tmp_path / "none")).code == 66


def test_a_file_that_others_may_change_is_doubtful(bench: Bench) -> None:
    bench.source.chmod(0o646)

    answer = bench.run("config", "check")
    assert answer.code == 0
    assert f"{bench.source}: warning: others" in answer.output


def test_no_file_at_all_is_no_mistake(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coresnap.views.cli.main import main

    monkeypatch.setattr(places, "SEARCH_PATH", ())

    assert main(["config", "check"]) == 0
    assert "the defaults hold" in bench.capsys.readouterr().out


def test_check_prints_json(bench: Bench) -> None:
    bench.source.write_text(BAD)

    answer = bench.run("config", "check", "--json")
    assert answer.code == 78
    assert answer.json["source"] == str(bench.source)
    assert [p["line"] for p in answer.json["problems"]] == [2, 3, 5]
    assert answer.json["problems"][0] == {
        "line": 2,
        "level": "error",
        "message": "[daemon] prge.age: there is no such setting",
        "remedy": "Did you mean purge.age?",
    }


def test_what_is_no_text_is_one_error(bench: Bench) -> None:
    bench.source.write_bytes(b"[daemon]\n\xff\n")

    answer = bench.run("config", "check", "--json")
    assert answer.code == 78
    assert answer.json["error"]["class"] == "ConfigError"


def test_what_a_file_holds_cannot_drive_the_terminal(bench: Bench) -> None:
    bench.source.write_text("[daemon]\n\N{RIGHT-TO-LEFT OVERRIDE}evil = 1\n")

    answer = bench.run("config", "check")
    assert answer.code == 78
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in answer.output


# --- show ---------------------------------------------------------------------


def test_each_setting_is_shown_with_its_origin(bench: Bench) -> None:
    answer = bench.run("config", "show")

    assert answer.code == 0
    lines = {line.split()[1]: line.split()[2:] for line in answer.output.splitlines()}
    assert lines["keep"] == ["stacks", f"{bench.source}:2"]
    assert lines["fetch"] == ["auto", "default"]
    assert lines.keys() == {s.name for s in SETTINGS if not s.is_numbered}


def test_an_application_has_its_own(bench: Bench) -> None:
    words = ("config", "show", "archive.keep", "project")
    answer = bench.run(*words, "--application", "/usr/bin/vim")

    assert answer.output.splitlines() == [
        f"[archive] keep         notes  {bench.source}:4 [application /usr/*]",
        "[application] project         default",
    ]
    assert bench.run(*words).code == 2


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("fetch", ["fetch"]),
        ("archive.fetch", ["fetch"]),
        ("worker", ["worker.memory", "worker.cpu", "worker.time", "worker.attempts"]),
        ("daemon.keep", ["keep.first", "keep.last"]),
        ("format", []),
    ],
)
def test_a_key_may_be_a_part_of_names(
    bench: Bench, name: str, wanted: list[str]
) -> None:
    answer = bench.run("config", "show", name, "--json")

    assert [one["name"] for one in answer.json["settings"]] == wanted


def test_a_key_that_is_none_is_answered_with_the_nearest(bench: Bench) -> None:
    answer = bench.run("config", "show", "fecth")

    assert answer.code == 2
    assert "Did you mean fetch?" in answer.error


def test_a_file_with_errors_holds_nothing(bench: Bench) -> None:
    bench.source.write_text(BAD)

    answer = bench.run("config", "show")
    assert answer.code == 78
    assert f"{bench.source}:2: " in answer.error
    assert "1 more" in answer.error


def test_show_prints_json(bench: Bench) -> None:
    answer = bench.run("config", "show", "keep", "--application", "/usr/x", "--json")

    assert answer.json["source"] == str(bench.source)
    assert answer.json["settings"][0] == {
        "section": "archive",
        "name": "keep",
        "value": "notes",
        "line": 4,
        "application": "/usr/*",
        "by": None,
    }


def test_the_example_can_be_used_as_it_is(bench: Bench) -> None:
    answer = bench.run("config", "show", "--defaults")
    bench.source.write_text(answer.output)

    assert bench.run("config", "check").output == f"{bench.source}: nothing is wrong\n"


@pytest.mark.parametrize(
    "words",
    [
        ("check", "a", "b"),
        ("check", "--defaults"),
        ("check", "--application", "/x"),
        ("show", "--defaults", "--json"),
        ("show", "--defaults", "keep"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    bench: Bench, words: tuple[str, ...]
) -> None:
    assert bench.run("config", *words).code == 2


# --- reload -------------------------------------------------------------------


def test_a_reload_says_whom_it_has_reached(bench: Bench) -> None:
    bench.source.write_text(f"[archive]\nroot = {bench.directory}\n")

    answer = bench.run("config", "reload")
    assert (answer.code, answer.output.splitlines()) == (
        0,
        ["no handler is installed that would read settings", "no daemon runs"],
    )
    assert bench.run("config", "reload", "--json").json == {
        "source": str(bench.source),
        "handler": None,
        "staying": [],
        "daemon": None,
    }


def test_a_file_with_a_mistake_is_not_reloaded(bench: Bench) -> None:
    bench.source.write_text(BAD)

    answer = bench.run("config", "reload")
    assert answer.code == 78
    assert f"{bench.source}:2: " in answer.error


@pytest.mark.parametrize(
    "words", [["keep"], ["--application", "/bin/x"], ["--defaults"]]
)
def test_a_reload_takes_nothing_else(bench: Bench, words: list[str]) -> None:
    assert bench.run("config", "reload", *words).code == 2
