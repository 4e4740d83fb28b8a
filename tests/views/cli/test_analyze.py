from __future__ import annotations

import json
from pathlib import Path

import pytest

import coresnap
from coresnap.errors import CoreFormatError, UsageError
from coresnap.model import Snapshot
from coresnap.snapshot.container import read_snapshot
from coresnap.views.cli.main import main
from snapshot import specimens

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Put a specimen in the place of the analysis and note how it is called."""
    noted: list[tuple[object, ...]] = []

    def analyze(core: Path, executable: Path | None, **options: object) -> Snapshot:
        progress = options.pop("progress")
        assert callable(progress)
        progress("unwind")
        noted.append((core, executable, options))
        return specimens.full()

    monkeypatch.setattr(coresnap, "analyze", analyze, raising=False)
    return noted


def test_the_options_reach_the_library(calls: list[tuple[object, ...]]) -> None:
    words = ["core", "prog", "--sysroot", "/s", "--debug-dir", "/a", "--debug-dir", "b"]
    words += ["--source-path", "c", "--substitute-path", "/build=/src=1"]
    words += ["--no-debuginfod", "--no-cache", "--globals", "count"]
    words += ["--aliases", "5", "--alias-memory", "4MiB"]

    assert main(["analyze", *words]) == 0

    ((core, program, options),) = calls
    assert (core, program) == (Path("core"), Path("prog"))
    assert options == {
        "sysroot": Path("/s"),
        "debug_directories": (Path("/a"), Path("b")),
        "symbol_directories": (),
        "source_directories": [Path("c")],
        "source_substitutions": [("/build", "/src=1")],
        "fetcher": None,
        "globals": "count",
        "aliases": 5,
        "alias_memory": 4 << 20,
        "rulesets": (),
        "cache": None,
    }


@pytest.mark.parametrize(
    "word",
    ["--aliases=-1", "--aliases=x", "--aliases=17", "--alias-memory=0"],
)
def test_an_impossible_search_for_aliases_is_refused(
    word: str, calls: list[tuple[object, ...]], capsys: Captured
) -> None:
    assert main(["analyze", "core", word]) == UsageError.exit_code
    assert "is not a" in capsys.readouterr().err
    assert calls == []


@pytest.mark.parametrize("text", ["", "/a", "=/b", "/a="])
def test_a_substitution_needs_both_sides(
    text: str, calls: list[tuple[object, ...]], capsys: Captured
) -> None:
    words = ["analyze", "core", f"--substitute-path={text}"]
    assert main(words) == UsageError.exit_code
    assert "is not FROM=TO" in capsys.readouterr().err
    assert calls == []


@pytest.mark.usefixtures("calls")
def test_the_answer_is_printed(capsys: Captured) -> None:
    assert main(["analyze", "core"]) == 0

    captured = capsys.readouterr()
    assert "crashed by SIGABRT" in captured.out
    assert captured.err == ""


@pytest.mark.usefixtures("calls")
def test_a_kept_snapshot_is_announced_with_its_size(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "x.csnap"

    assert main(["analyze", "core", "-o", str(path)]) == 0

    size = path.stat().st_size
    assert read_snapshot(path) == specimens.full()
    headline, announcement = capsys.readouterr().out.splitlines()
    assert "crashed by SIGABRT" in headline
    assert announcement == (
        f"{path}: {size / 1000:.2f} kB, {20_300_000 / size:,.0f} times smaller "
        "than the core (20.30 MB)"
    )


@pytest.mark.usefixtures("calls")
def test_a_snapshot_can_be_kept_and_printed_as_json(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "x.csnap"

    assert main(["analyze", "core", "-o", str(path), "--json"]) == 0

    assert path.exists()
    assert json.loads(capsys.readouterr().out)["pid"] == 4242


@pytest.mark.parametrize(
    "content",
    [b"", b"not a core", b"\x7fELF" + bytes(60)],
    ids=["empty", "text", "elf"],
)
def test_what_is_no_core_is_an_error_without_a_traceback(
    content: bytes, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "core"
    path.write_bytes(content)

    assert main(["analyze", str(path)]) == CoreFormatError.exit_code
    assert capsys.readouterr().err.startswith("coresnap: ")


def test_a_core_that_is_not_there_is_missing(tmp_path: Path) -> None:
    assert main(["analyze", str(tmp_path / "absent")]) == 66
