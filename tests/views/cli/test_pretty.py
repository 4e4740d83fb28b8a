"""``coresnap pretty``: a printer tried on what is left of a process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from coresnap.model import Thread, UnwindEnd, Variable, VariableKind
from coresnap.snapshot.container import write_snapshot
from coresnap.views.cli.main import main
from snapshot import specimens

PRINTERS = """
from coresnap.pretty import Presentation

def point(type):
    if type.name == "point":
        return lambda value: Presentation(f"({value['x'].number}, {value['y'].number})")

def careless(type):
    if type.name == "point":
        return lambda value: Presentation(1 / 0)
"""


@pytest.fixture
def snapshot(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A snapshot with a point, beside printers of points."""
    members = tuple(
        Variable(name, "int", VariableKind.MEMBER, number)
        for name, number in (("x", 3), ("y", 4))
    )
    corner = Variable("corner", "struct point", VariableKind.LOCAL, members=members)
    frames = (specimens.frame(function="main", variables=(corner,)),)
    thread = Thread(4242, True, UnwindEnd.OUTERMOST, frames=frames)
    made = specimens.small(threads=(thread,))
    write_snapshot(made, tmp_path / "crash.csnap")
    module = f"printers_{request.node.name}".partition("[")[0]
    (tmp_path / f"{module}.py").write_text(PRINTERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return module


def test_values_are_printed_with_their_places(
    snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretty", f"{snapshot}:point", "crash.csnap"]) == 0
    assert capsys.readouterr().out == "thread 4242 #0 main: corner = (3, 4)\n"


def test_everything_is_there_as_json(
    snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretty", f"{snapshot}:point", "crash.csnap", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == []
    assert found["presented"][0]["variable"]["text"] == "(3, 4)"


def test_what_a_printer_raises_is_printed_and_is_the_exit_status(
    snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretty", f"{snapshot}:careless", "crash.csnap"]) == 1
    out = capsys.readouterr().out
    assert "problem: printer careless failed on point: ZeroDivisionError" in out


@pytest.mark.parametrize("name", ["nothing", "no_such_module:point", "json:no_such"])
def test_a_printer_that_is_not_there_is_a_mistake_of_usage(
    snapshot: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretty", name, "crash.csnap"]) == 2
    assert "printer" in capsys.readouterr().err
