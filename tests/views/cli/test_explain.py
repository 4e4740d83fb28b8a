"""``coresnap explain`` makes a snapshot's fingerprint again and says how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.analysis.fingerprint import Circumstances, fingerprint
from coresnap.analysis.session import analyze_record
from coresnap.backends import crash_record
from coresnap.crash import Crash
from coresnap.model import Signal
from coresnap.snapshot.container import write_snapshot
from coresnap.views.cli.main import main
from snapshot import specimens

Captured = pytest.CaptureFixture[str]
NAMES = (
    "__GI_raise",
    "abort",
    "__assert_fail",
    "check.part.0",
    "walk",
    "walk",
    "_start",
)


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    frames = [
        specimens.frame(
            trust="cfi",
            function=name,
            module="/usr/bin/simple" if name in NAMES[3:] else "/lib/libc.so.6",
        )
        for name in NAMES
    ]
    facts = Circumstances("SIGABRT", said="assert", message="x < y")
    found = fingerprint("simple", "SIGABRT", frames, facts)
    made = specimens.small(
        threads=(specimens.thread(frames=tuple(frames)),),
        signal=Signal(number=6, name="SIGABRT"),
        attributes={
            "application": "simple",
            "fingerprint.family": found.family,
            "fingerprint.message": found.message,
        },
        fingerprint=found.digest,
        core_size=4096,
    )
    path = tmp_path / "x.csnap"
    write_snapshot(made, path)
    return path


def test_each_frame_is_shown_with_its_fate_and_rule(
    snapshot: Path, capsys: Captured
) -> None:
    assert main(["explain", str(snapshot)]) == 0

    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "simple SIGABRT family assert message x < y"
    assert "#0 __GI_raise dropped failures: raise" in lines
    assert "#3 check.part.0 renamed normalised name" in lines
    assert "#5 walk collapsed recursion" in lines
    assert "#6 _start stopped libc: _start" in lines
    assert "recorded" not in out


def test_the_same_fingerprint_comes_out_that_was_recorded(
    snapshot: Path, capsys: Captured
) -> None:
    assert main(["explain", str(snapshot), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["fingerprint"] == found["fingerprint_recorded"]
    assert found["fingerprint_frames"] == ["simple:check", "simple:walk"]
    assert found["callstack"] == ["check", "walk"]
    assert [f["fate"] for f in found["frames"]].count("dropped") == 3


def test_rules_are_tried_and_both_fingerprints_shown(
    snapshot: Path, tmp_path: Path, capsys: Captured
) -> None:
    rules = tmp_path / "rules.conf"
    rules.write_text("[rule r]\nfunction = walk\nignore = yes\nset.team = b\n")
    assert main(["explain", str(snapshot), "--rules", str(rules), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["fingerprint_frames"] == ["simple:check"]
    assert found["fingerprint"] != found["fingerprint_without_rules"]
    assert found["fingerprint_without_rules"] == found["fingerprint_recorded"]
    assert found["attributes"] == {"team": "b"}


def test_the_rules_of_the_configuration_are_applied(
    snapshot: Path, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "own.conf").write_text("[rule r]\nfunction = walk\nignore = yes\n")
    config = tmp_path / "coresnap.ini"
    config.write_text(f"[analysis]\nfingerprint.rules = {tmp_path}\n")
    assert main(["explain", str(snapshot), "--config", str(config)]) == 0

    assert "own: r" in capsys.readouterr().out


def test_a_mistake_in_the_rules_is_an_error_with_its_line(
    snapshot: Path, tmp_path: Path, capsys: Captured
) -> None:
    rules = tmp_path / "rules.conf"
    rules.write_text("[rule r]\nfunction = (\n")

    assert main(["explain", str(snapshot), "--rules", str(rules)]) == 78
    assert "rules.conf:2" in capsys.readouterr().err


def test_a_crash_without_a_core_goes_by_its_kind(
    tmp_path: Path, capsys: Captured
) -> None:
    crash = Crash(pid=7, time=1, signal=11, kind="0123456789abcdef")
    record = analyze_record({crash_record.NAME: crash_record.encode(crash)})
    write_snapshot(record, tmp_path / "r.csnap")

    assert main(["explain", str(tmp_path / "r.csnap"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fingerprint"] == found["fingerprint_recorded"]


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
def test_an_analysis_applies_the_rules_as_explain_does(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
    capsys: Captured,
) -> None:
    rules = tmp_path / "rules.conf"
    rules.write_text("[rule r]\nfunction = ^inside$\nrename = outside\nset.team = a\n")
    core = str(kernel_core([compile_program("nested.c", "-g", "-O0")]))
    made = str(tmp_path / "made.csnap")
    words = ["analyze", core, "--fingerprint-rules", str(rules), "--json", "-o", made]
    assert main(words) == 0
    analysed = json.loads(capsys.readouterr().out)
    assert main(["explain", made, "--rules", str(rules), "--json"]) == 0

    explained = json.loads(capsys.readouterr().out)
    assert analysed["fingerprint_frames"] == ["nested:outside"]
    assert analysed["attributes"]["team"] == "a"
    assert explained["fingerprint"] == analysed["fingerprint"]
    assert explained["fingerprint_without_rules"] != analysed["fingerprint"]
