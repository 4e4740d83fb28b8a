"""``coresnap plugin``: what is installed, and one on trial."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coresnap.analysis import entry_points
from coresnap.snapshot.container import write_snapshot
from coresnap.views.cli.main import main
from snapshot import specimens

PLUGIN = """
def frames(crash):
    for thread in crash.threads:
        thread.annotate("comment", f"{len(thread.frames)} frames")
    crash.add_attribute("frames", sum(len(t.frames) for t in crash.threads))
    crash.add_classifier("frames.few", "hint", "only so many", summary="did little")

def broken(crash):
    raise ValueError("of its own")
"""


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A snapshot in a directory with plug-ins, one of them installed."""
    (tmp_path / "frame_plugins.py").write_text(PLUGIN)
    metadata = tmp_path / "frame_plugins-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: frame-plugins\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[coresnap.plugins]\nframes = frame_plugins:frames\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for cached in (entry_points.installed, entry_points.entry_point_files):
        cached.cache_clear()
    write_snapshot(specimens.small(), tmp_path / "fault.csnap")
    yield "fault.csnap"
    for cached in (entry_points.installed, entry_points.entry_point_files):
        cached.cache_clear()


def test_what_one_adds_is_printed(
    snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugin", "frame_plugins:frames", snapshot]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "attribute frames = 1",
        "classifier frames.few (hint)",
        "  did little",
        "  only so many",
        "thread 4242",
        "  note: 1 frames [frames]",
    ]


def test_what_one_raises_is_printed(
    snapshot: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugin", "frame_plugins:broken", snapshot, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problem"] == "ValueError: of its own"


@pytest.mark.usefixtures("snapshot")
def test_those_that_are_installed_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plugin"]) == 0
    assert capsys.readouterr().out == "frames\n"
    assert main(["plugin", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "plugins": ["frames"],
        "problems": [],
    }


@pytest.mark.usefixtures("snapshot")
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["frame_plugins:frames"], "something to look at"),
        (["frame_plugins", "fault.csnap"], "names no plug-in"),
        (["frame_plugins:none", "fault.csnap"], "there is no plug-in"),
    ],
)
def test_a_wrong_name_is_an_error_that_says_what_to_give(
    words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugin", *words]) == 2
    assert problem in capsys.readouterr().err
