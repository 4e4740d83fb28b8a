"""``coroner config``: what holds, from where, and no token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import main

_TOKEN = "e5f1a3a23f756f89cfd9f363647291fd9ff1d43f179e959d3aa2aed78af81663"
_TEXT = f"""\
[universe]
name = backtrace
write = http://127.0.0.1:6098
curl.ssl_verifypeer = 0
[token]
blackhole = {_TOKEN}
[daemon]
blackhole.root = /var/crash
[default]
list.age = 1d
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "coroner.cf"
    path.write_text(_TEXT)
    path.chmod(0o600)
    return path


def test_what_holds_is_printed_with_its_lines_and_without_tokens(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-c", str(file), "config"], CORONER) == 0
    assert capsys.readouterr().out == (
        f"File: {file}\n"
        "Store:\n"
        "  name = backtrace  (line 2)\n"
        "  write = http://127.0.0.1:6098  (line 3)\n"
        "  read = http://127.0.0.1:6098  (default)\n"
        "  NOT encrypted: everybody on the way can read tokens and snapshots\n"
        "Tokens: blackhole\n"
        "Watched: /var/crash for blackhole with the token blackhole\n"
        "Default: list.age = 1d\n"
    )


def test_json_says_the_same_without_tokens(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.chmod(0o644)
    assert main(["-c", str(file), "config", "--json"], CORONER) == 0
    out = capsys.readouterr().out
    assert _TOKEN not in out
    record = json.loads(out)
    assert record["universe"]["write"] == {"value": "http://127.0.0.1:6098", "line": 3}
    assert record["universe"]["read"]["line"] is None
    assert record["tokens"] == ["blackhole"]
    assert (record["verify"], record["exposed"]) == (False, True)
    assert record["default"] == {"list": {"age": "1d"}}


def test_a_mistake_is_named_with_its_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(_TEXT.replace("verifypeer = 0", "verifypeer = perhaps"))
    assert main(["-c", str(file), "config"], CORONER) == 78
    assert f"{file}:4" in capsys.readouterr().err


def test_whose_home_may_not_be_looked_into_can_run_commands(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may look everywhere, but not below a name of this length.
    monkeypatch.setenv("HOME", "/" + 300 * "h")

    assert main(["config", "-c", str(file)], CORONER) == 0
    assert main(["reindex", "--data", str(file.parent / "nothing")], CORONER) == 66
    assert "there is no store" in capsys.readouterr().err
