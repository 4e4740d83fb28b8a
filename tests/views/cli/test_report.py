from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from coresnap.snapshot.container import write_snapshot
from coresnap.views.cli.main import main
from snapshot import specimens

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_CONFIG = 2, 65, 66, 78

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def snapshot(tmp_path: Path) -> str:
    write_snapshot(specimens.full(), tmp_path / "x.csnap")
    return str(tmp_path / "x.csnap")


@pytest.mark.parametrize(
    ("name", "options", "begins"),
    [
        ("fault.html", [], "<!doctype html>"),
        ("fault.txt", [], "simple (pid 4242) crashed"),
        ("fault.md", [], "# simple (pid 4242) crashed"),
        ("fault", [], "<!doctype html>"),
        ("fault.html", ["--markdown"], "# simple"),
        ("fault.md", ["--text"], "simple (pid 4242)"),
    ],
)
def test_an_option_or_else_the_ending_says_the_form(
    name: str, options: list[str], begins: str, snapshot: str, tmp_path: Path
) -> None:
    assert main(["report", snapshot, "-o", str(tmp_path / name), *options]) == 0
    assert (tmp_path / name).read_text().startswith(begins)


def test_a_report_is_for_who_made_it(
    snapshot: str, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "fault.html"
    assert main(["report", snapshot, "-o", str(path), "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    size = path.stat().st_size
    assert told == {"file": str(path), "form": "html", "size": size}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_file_it_is_printed(snapshot: str, capsys: Captured) -> None:
    assert main(["report", snapshot, "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("# simple")
    assert main(["report", snapshot, "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


def test_a_page_does_not_go_to_a_terminal(
    snapshot: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert main(["report", snapshot]) == EX_USAGE
    assert "-o fault.html" in capsys.readouterr().err
    assert main(["report", snapshot, "--text"]) == 0


def test_what_cannot_be_is_said(
    snapshot: str, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["report", snapshot, "--json"]) == EX_USAGE
    assert main(["report", str(tmp_path / "none")]) == EX_NOINPUT
    (tmp_path / "text").write_text("no snapshot")
    assert main(["report", str(tmp_path / "text"), "--text"]) == EX_DATAERR
    assert main(["report", snapshot, "-o", str(tmp_path / "a" / "b")]) != 0
    assert "cannot write" in capsys.readouterr().err


def test_without_jinja_the_other_forms_are_left(
    snapshot: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("markupsafe", "coresnap.views.fault.report"):
        monkeypatch.setitem(sys.modules, name, None)

    assert main(["report", snapshot, "--html"]) == EX_CONFIG
    assert "pip install jinja2" in capsys.readouterr().err
    assert main(["report", snapshot, "--markdown"]) == 0
